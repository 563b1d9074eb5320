"""The quantity engine: OpenGL through EGL, on a GPU or on Mesa's llvmpipe alike.

Four passes: depth from each light, surfaces with ids at twice the side, ambient occlusion,
picture. How large a brick would be if nothing hid it comes from drawing it alone in a frame that
fits it.
"""

from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from trainer.errors import RenderError
from trainer.render.drawn import Drawn
from trainer.scenes.clutter import shape_mesh
from trainer.scenes.colours import Colour, colours
from trainer.scenes.geometry import Geometry
from trainer.scenes.grounds import ground_colours, ground_photograph, pattern
from trainer.scenes.mesh import Mesh
from trainer.scenes.scene import (
    Brick,
    Camera,
    Clutter,
    Ground,
    Light,
    Scene,
    model_matrix,
    projection_matrix,
    view_matrix,
)
from trainer.scenes.sky import basis, irradiance, panorama

SUPERSAMPLING = 2
SHADOW_PX = 512
SHADOWED_LIGHTS = 2
TILE_PX = 48
TILES_ACROSS = 8
TEXTURES_KEPT = 128
GROUND_MM = 3000.0
OCCLUSION_MM = 7.0
PENUMBRA_MM = 9.0
SHADERS = Path(__file__).with_name("shaders")


@dataclass(frozen=True, slots=True)
class Body:
    """One thing to draw.

    Attributes:
        key: Its shape: a part id, or "@" and a simple shape.
        matrix: Body to world, (4, 4).
        albedo: Linear.
        number: What the instance map calls it; 0 is no brick.
    """

    key: str
    matrix: np.ndarray
    albedo: tuple[float, float, float]
    opacity: float
    roughness: float
    number: int


class RasterEngine:
    """Draws scenes; holds an OpenGL context, so one belongs to one thread.

    Args:
        geometry: Shapes of the parts.
        size_px: Side of the pictures.

    Raises:
        RenderError: No OpenGL 3.3 through EGL, or moderngl is not installed.
    """

    def __init__(self, geometry: Geometry, size_px: int = 224):
        self.size_px = size_px
        self._geometry = geometry
        self._gl = _context()
        self._meshes: dict[str, tuple[Any, Any, Any]] = {}
        self._tiles: dict[tuple, Any] = {}
        self._shaders()
        self._buffers()

    def __enter__(self) -> "RasterEngine":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the context back; safe to call twice."""
        if self._gl is not None:
            self._gl.release()
            self._gl = None

    def draw(self, scene: Scene) -> Drawn:
        """Draw a scene.

        Raises:
            GeometryError: A part has no shape.
            PictureError: The ground's photograph cannot be read.
        """
        bodies = self._bodies(scene)
        lights = scene.lights[:SHADOWED_LIGHTS]
        matrices = [_light_matrix(light, bodies) for light in lights]
        for number in range(len(lights)):
            self._draw_shadow(number, matrices[number], bodies)
        self._draw_surfaces(scene, bodies, lights, matrices)
        image = self._draw_picture(scene)
        ids, visible = self._ids(len(scene.bricks))
        return Drawn(scene, image, ids, visible, self._full_px(scene, bodies))

    # ---- setting up --------------------------------------------------------------------------

    def _shaders(self) -> None:
        body = _source("body.vert")
        screen = _source("screen.vert")

        def program(vertex: str, fragment: str) -> Any:
            return self._gl.program(vertex_shader=vertex, fragment_shader=_source(fragment))

        self._surface = program(body, "surface.frag")
        self._ground = program(body, "ground.frag")
        self._depth = program(body, "depth.frag")
        self._flat = program(body, "flat.frag")
        self._occlusion = program(screen, "occlusion.frag")
        self._picture = program(screen, "picture.frag")
        self._screens = {p: self._gl.vertex_array(p, []) for p in (self._occlusion, self._picture)}
        self._ground["ground_tile"] = 0
        self._surface["panorama"] = 1
        for program_ in (self._surface, self._ground):
            program_["shadow0"], program_["shadow1"] = 2, 3
        self._picture["open_shares"] = 1

    def _buffers(self) -> None:
        gl, side = self._gl, self.size_px * SUPERSAMPLING
        self._radiance = gl.texture((side, side), 4, dtype="f2")
        self._ids_texture = gl.texture((side, side), 1, dtype="u1")
        self._ids_texture.filter = gl.NEAREST, gl.NEAREST
        self._scene_depth = gl.depth_texture((side, side))
        self._scene_depth.compare_func = ""
        self._scene_depth.filter = gl.NEAREST, gl.NEAREST
        self._surfaces = gl.framebuffer([self._radiance, self._ids_texture], self._scene_depth)
        self._open = gl.texture((self.size_px,) * 2, 1, dtype="f1")
        self._occluded = gl.framebuffer([self._open])
        self._result = gl.framebuffer([gl.texture((self.size_px,) * 2, 3, dtype="f1")])
        self._shadows = [gl.depth_texture((SHADOW_PX,) * 2) for _ in range(SHADOWED_LIGHTS)]
        for texture in self._shadows:
            texture.compare_func = "<="
            texture.repeat_x = texture.repeat_y = False
        self._shadow_targets = [gl.framebuffer([], texture) for texture in self._shadows]
        tiles = TILE_PX * TILES_ACROSS
        self._tile_target = gl.framebuffer([gl.texture((tiles, tiles), 1, dtype="f1")])
        self._panorama = gl.texture((64, 32), 3, dtype="f4")
        self._panorama.repeat_y = False
        self._panorama.filter = gl.LINEAR_MIPMAP_LINEAR, gl.LINEAR

    def _mesh(self, key: str) -> tuple[Any, Any, Any]:
        """Vertex arrays of one shape for the surface, depth and flat programs."""
        if key not in self._meshes:
            mesh: Mesh = shape_mesh(key[1:]) if key[0] == "@" else self._geometry.mesh(key)
            both = np.concatenate([mesh.triangles, mesh.normals], axis=2).astype("f4")
            buffer = self._gl.buffer(both.tobytes())
            self._meshes[key] = (
                self._gl.vertex_array(self._surface, [(buffer, "3f 3f", "position", "normal")]),
                self._gl.vertex_array(self._depth, [(buffer, "3f 12x", "position")]),
                self._gl.vertex_array(self._flat, [(buffer, "3f 12x", "position")]),
            )
        return self._meshes[key]

    def _ground_plane(self) -> Any:
        if "#ground" not in self._meshes:
            reach = GROUND_MM
            corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, -1], [1, 1], [-1, 1]]) * reach
            flat = np.zeros((6, 6), "f4")
            flat[:, :2], flat[:, 5] = corners, 1
            buffer = self._gl.buffer(flat.tobytes())
            plane = self._gl.vertex_array(self._ground, [(buffer, "3f 12x", "position")])
            self._meshes["#ground"] = (plane, plane, plane)
        return self._meshes["#ground"][0]

    def _tile(self, ground: Ground) -> Any:
        """The texture of a ground; the last ones are kept."""
        key = (ground.photograph,) if ground.photograph else (ground.kind, ground.seed)
        if key not in self._tiles:
            if ground.photograph:
                pixels = ground_photograph(ground.photograph)
            else:
                two = (pattern(ground.kind, ground.seed) * 255).astype(np.uint8)
                pixels = np.dstack([two, np.zeros_like(two[..., :1])])
            while len(self._tiles) >= TEXTURES_KEPT:
                self._tiles.pop(next(iter(self._tiles))).release()
            texture = self._gl.texture(pixels.shape[1::-1], 3, np.ascontiguousarray(pixels))
            texture.build_mipmaps()
            texture.filter = self._gl.LINEAR_MIPMAP_LINEAR, self._gl.LINEAR
            self._tiles[key] = texture
        return self._tiles[key]

    # ---- one scene ---------------------------------------------------------------------------

    def _bodies(self, scene: Scene) -> list[Body]:
        eye = np.asarray(scene.camera.position_mm)
        bodies = bodies_of(scene)
        # Near ones first: what they hide is never shaded. Transparent ones last, far ones first.
        away = {id(b): float(np.linalg.norm(b.matrix[:3, 3] - eye)) for b in bodies}
        solid = sorted((b for b in bodies if b.opacity == 1), key=lambda b: away[id(b)])
        clear = sorted((b for b in bodies if b.opacity < 1), key=lambda b: -away[id(b)])
        return solid + clear

    def _draw_shadow(self, number: int, matrix: np.ndarray, bodies: list[Body]) -> None:
        gl, target = self._gl, self._shadow_targets[number]
        target.use()
        target.clear(depth=1.0)
        gl.enable_only(gl.DEPTH_TEST)
        _set(self._depth, "view_projection", matrix)
        for body in bodies:
            if body.opacity == 1:
                _set(self._depth, "model", body.matrix)
                self._mesh(body.key)[1].render()

    def _draw_surfaces(self, scene: Scene, bodies, lights, matrices) -> None:
        gl, program = self._gl, self._surface
        self._surfaces.use()
        self._surfaces.clear(0.0, 0.0, 0.0, 1.0, depth=1.0)
        self._ids_texture.write(bytes(self._ids_texture.width * self._ids_texture.height))
        view = _clip_matrix(scene.camera)
        _set(program, "view_projection", view)
        program["eye"] = scene.camera.position_mm
        self._set_sky(scene)
        self._set_lights(lights, matrices)
        solid = [b for b in bodies if b.opacity == 1]
        clear = [b for b in bodies if b.opacity < 1]
        gl.enable_only(gl.DEPTH_TEST | gl.CULL_FACE)
        for body in solid:
            self._draw_body(body)
        self._draw_ground(scene, view)
        if clear:
            gl.enable_only(gl.DEPTH_TEST | gl.CULL_FACE | gl.BLEND)
            gl.blend_func = gl.SRC_ALPHA, gl.ONE_MINUS_SRC_ALPHA
            for body in clear:
                gl.cull_face = "front"
                self._draw_body(body)
                gl.cull_face = "back"
                self._draw_body(body)

    def _draw_body(self, body: Body) -> None:
        program = self._surface
        _set(program, "model", body.matrix)
        program["albedo"] = body.albedo
        program["opacity"] = body.opacity
        program["roughness"] = body.roughness
        program["number"] = body.number
        self._mesh(body.key)[0].render()

    def _draw_ground(self, scene: Scene, view: np.ndarray) -> None:
        ground, program = scene.ground, self._ground
        self._tile(ground).use(0)
        turn = np.radians(ground.rotation_deg)
        c, s = np.cos(turn) / ground.tile_mm, np.sin(turn) / ground.tile_mm
        program["ground_turn"] = (c, s, -s, c)
        program["ground_offset"] = ground.offset
        program["ground_dark"] = ground.dark
        program["ground_bright"] = ground.bright
        program["ground_is_photograph"] = int(ground.photograph is not None)
        _set(program, "view_projection", view)
        _set(program, "model", np.eye(4))
        self._ground_plane().render()

    def _set_sky(self, scene: Scene) -> None:
        radiance = panorama(scene.sky, mean_albedo(scene.ground))
        self._panorama.write(radiance.tobytes())
        self._panorama.build_mipmaps()
        self._panorama.use(1)
        self._surface["panorama_levels"] = 4.0
        harmonics = irradiance(radiance)
        _set_array(self._surface, "harmonics", harmonics)
        upwards = basis(np.array([[0.0, 0.0, 1.0]]))
        self._ground["ground_around"] = tuple(np.maximum(upwards @ harmonics, 0)[0])

    def _set_lights(self, lights, matrices) -> None:
        program = self._surface
        towards = np.zeros((SHADOWED_LIGHTS, 3))
        colour, blur = np.zeros((SHADOWED_LIGHTS, 3)), np.zeros(SHADOWED_LIGHTS)
        views = np.tile(np.eye(4), (SHADOWED_LIGHTS, 1, 1))
        for i, (light, matrix) in enumerate(zip(lights, matrices, strict=True)):
            towards[i], views[i] = light.direction, matrix
            colour[i] = np.asarray(light.colour) * light.strength
            wide = PENUMBRA_MM * np.tan(np.radians(min(light.angle_deg, 90) / 2))
            # The light's own matrix says how many millimetres its map spans.
            blur[i] = max(wide, 0.15) * np.linalg.norm(matrix[0, :3]) / 2
        _set_array(program, "light_towards", towards)
        _set_array(program, "light_colour", colour)
        _set_array(self._ground, "ground_light", colour * np.maximum(towards[:, 2:], 0))
        for either in (program, self._ground):
            _set_array(either, "light_blur", blur)
            _set_array(either, "light_matrix", views.transpose(0, 2, 1))
        for i, texture in enumerate(self._shadows):
            texture.use(2 + i)

    def _draw_picture(self, scene: Scene) -> np.ndarray:
        gl = self._gl
        gl.enable_only(gl.NOTHING)
        projection = _projection(scene.camera)
        self._scene_depth.use(0)
        self._occluded.use()
        self._occlusion["depth_terms"] = projection[2, 2], projection[2, 3]
        self._occlusion["half_field"] = float(np.tan(np.radians(scene.camera.field_deg) / 2))
        self._occlusion["reach_mm"] = OCCLUSION_MM
        self._screens[self._occlusion].render(vertices=3)
        self._radiance.use(0)
        self._open.use(1)
        self._result.use()
        self._picture["exposure"] = scene.exposure
        self._picture["filmic"] = int(scene.tone == "filmic")
        self._screens[self._picture].render(vertices=3)
        pixels = np.frombuffer(self._result.read(components=3, alignment=1), np.uint8)
        return np.ascontiguousarray(pixels.reshape(self.size_px, self.size_px, 3)[::-1])

    def _ids(self, bricks: int) -> tuple[np.ndarray, np.ndarray]:
        side = self.size_px * SUPERSAMPLING
        fine = np.frombuffer(self._ids_texture.read(alignment=1), np.uint8).reshape(side, side)
        counts = np.bincount(fine.ravel(), minlength=bricks + 1)[1 : bricks + 1]
        ids = np.ascontiguousarray(fine[::-1][1::SUPERSAMPLING, ::SUPERSAMPLING])
        return ids, counts / SUPERSAMPLING**2

    def _full_px(self, scene: Scene, bodies: list[Body]) -> np.ndarray:
        """Each brick alone, in a tile that its bounding box fills."""
        gl, target = self._gl, self._tile_target
        view = _clip_matrix(scene.camera)
        full = np.zeros(len(scene.bricks))
        bricks = [b for b in bodies if b.number]
        per_round = TILES_ACROSS**2
        gl.enable_only(gl.NOTHING)
        for first in range(0, len(bricks), per_round):
            target.use()
            target.clear()
            areas = []
            for slot, body in enumerate(bricks[first : first + per_round]):
                row, column = divmod(slot, TILES_ACROSS)
                target.viewport = column * TILE_PX, row * TILE_PX, TILE_PX, TILE_PX
                zoom, area = _fitted(view, body.matrix, self._size(body.key))
                _set(self._flat, "view_projection", zoom @ view)
                _set(self._flat, "model", body.matrix)
                self._mesh(body.key)[2].render()
                areas.append(area)
            side = TILE_PX * TILES_ACROSS
            target.viewport = 0, 0, side, side
            marks = np.frombuffer(target.read(components=1, alignment=1), np.uint8)
            tiles = marks.reshape(TILES_ACROSS, TILE_PX, TILES_ACROSS, TILE_PX) > 0
            shares = tiles.mean(axis=(1, 3)).ravel()
            for slot, area in enumerate(areas):
                number = bricks[first + slot].number
                full[number - 1] = shares[slot] * area * self.size_px**2
        return full

    def _size(self, key: str) -> np.ndarray:
        return self._geometry.mesh(key).size_mm


def bodies_of(scene: Scene) -> list[Body]:
    """All bricks, numbered from 1, then the clutter."""
    table = colours()
    bricks = [
        _brick_body(brick, number, table[brick.colour])
        for number, brick in enumerate(scene.bricks, start=1)
    ]
    return bricks + [_clutter_body(thing) for thing in scene.clutter]


def mean_albedo(ground: Ground) -> np.ndarray:
    """(3,) mean albedo of a ground."""
    if ground.photograph is not None:
        return ground_colours(ground).mean(axis=(0, 1))
    return (np.asarray(ground.dark) + np.asarray(ground.bright)) / 2


def linear(srgb: str) -> tuple[float, float, float]:
    """ "#rrggbb" to linear light, 0..1 each."""
    values = (int(srgb[i : i + 2], 16) / 255 for i in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in values)
    return red, green, blue


def _brick_body(brick: Brick, number: int, colour: Colour) -> Body:
    matrix = model_matrix(brick.position_mm, brick.rotation)
    albedo = linear(colour.srgb)
    return Body(brick.part, matrix, albedo, colour.opacity, brick.roughness, number)


def _clutter_body(thing: Clutter) -> Body:
    matrix = model_matrix(thing.position_mm, thing.rotation, thing.size_mm)
    return Body(f"@{thing.shape}", matrix, thing.colour, 1.0, thing.roughness, 0)


def _projection(camera: Camera) -> np.ndarray:
    away = float(np.linalg.norm(np.subtract(camera.position_mm, camera.target_mm)))
    return projection_matrix(camera, max(2.0, away * 0.1), away * 40)


def _clip_matrix(camera: Camera) -> np.ndarray:
    return _projection(camera) @ view_matrix(camera)


def _light_matrix(light: Light, bodies: list[Body]) -> np.ndarray:
    """World to a light's clip space: orthographic, around all that throws a shadow."""
    middles = np.array([b.matrix[:3, 3] for b in bodies] or [np.zeros(3)])
    reaches = [np.linalg.norm(b.matrix[:3, :3], axis=0).max() for b in bodies]
    middle = middles.mean(axis=0)
    radius = float(np.linalg.norm(middles - middle, axis=1).max() + 35 + max(reaches, default=0))
    towards = np.asarray(light.direction)
    camera = Camera(tuple(middle + towards * radius * 2), tuple(middle), 0.0, 30.0)
    flat = np.diag([1 / radius, 1 / radius, -1 / (2 * radius), 1.0])
    flat[2, 3] = -1.0
    return flat @ view_matrix(camera)


def _fitted(view: np.ndarray, model: np.ndarray, size_mm: np.ndarray):
    """What zooms clip space to a body's bounding box, and that box's share of the picture."""
    # The shift stands in the column of w, so the division by w leaves it whole.
    signs = np.array(np.meshgrid([-1, 1], [-1, 1], [-1, 1])).reshape(3, -1).T
    corners = np.column_stack([signs * size_mm / 2, np.ones(8)])
    clip = corners @ (view @ model).T
    spots = clip[:, :2] / np.maximum(clip[:, 3:], 1e-3)
    low, high = spots.min(axis=0), spots.max(axis=0)
    half = np.maximum((high - low) / 2, 1e-6)
    zoom = np.eye(4)
    zoom[0, 0], zoom[1, 1] = 1 / half
    zoom[:2, 3] = -((low + high) / 2) / half
    return zoom, float(half[0] * half[1])


def _set(program: Any, name: str, matrix: np.ndarray) -> None:
    program[name].write(matrix.T.astype("f4").tobytes())


def _set_array(program: Any, name: str, rows: np.ndarray) -> None:
    program[name].write(np.asarray(rows, "f4").tobytes())


def _source(name: str) -> str:
    text = (SHADERS / name).read_text(encoding="utf-8")
    return text.replace("#include lit", (SHADERS / "lit.glsl").read_text(encoding="utf-8"))


def _context() -> Any:
    try:
        import moderngl
    except ImportError as error:
        raise RenderError(
            f"the raster engine needs moderngl ({error}); pip install 'bricksight[trainer]'"
        ) from error
    try:
        return moderngl.create_context(
            standalone=True, backend="egl", require=330, libgl="libGL.so.1", libegl="libEGL.so.1"
        )
    except Exception as error:  # moderngl raises nothing narrower
        raise RenderError(
            f"no OpenGL 3.3 through EGL ({error}); install Mesa: apt install libegl1"
            " libgl1-mesa-dri"
        ) from error
