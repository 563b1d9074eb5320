"""The quantity engine: OpenGL through EGL, on a GPU or on Mesa's llvmpipe alike.

Four passes: depth from each light, surfaces with ids at twice the side, ambient occlusion,
picture. How large a brick would be if nothing hid it comes from drawing it alone in a frame that
fits it.
"""

from types import TracebackType
from typing import Any

import numpy as np

from trainer.render.bodies import Body, bodies_of, mean_albedo
from trainer.render.drawn import Drawn
from trainer.render.lens import focused, shaken
from trainer.render.opengl import open_context, set_array, set_matrix, source
from trainer.render.vertex_arrays import Programs, VertexArrays
from trainer.render.views import clip_matrix, fitted, light_matrix, projection_of
from trainer.scenes.geometry import Geometry
from trainer.scenes.grounds import ground_photograph, pattern
from trainer.scenes.scene import Ground, Scene
from trainer.scenes.sky import basis, blurred, irradiance, panorama

SUPERSAMPLING = 2
SHADOW_PX = 512
SHADOWED_LIGHTS = 2
TILE_PX = 48
TILES_ACROSS = 8
TEXTURES_KEPT = 128
GROUND_MM = 3000.0
OCCLUSION_MM = 7.0
PENUMBRA_MM = 9.0
BEVEL_MM = 0.2
SPREAD = 0.12
"""Of a highlight, in the tangent of half the light's angle."""


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
        self._gl = open_context()
        self._realism: frozenset[str] = frozenset()
        self._tiles: dict[tuple, Any] = {}
        self._shaders()
        programs = Programs(self._surface, self._depth, self._flat)
        self._arrays = VertexArrays(self._gl, geometry, programs)
        self._plane = self._ground_plane()
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
        self._realism = frozenset(scene.realism)
        bodies = self._bodies(scene)
        lights = scene.lights[:SHADOWED_LIGHTS]
        matrices = [light_matrix(light, bodies) for light in lights]
        for number in range(len(lights)):
            self._draw_shadow(number, matrices[number], bodies)
        self._draw_surfaces(scene, bodies, lights, matrices)
        image = shaken(self._focused(self._draw_picture(scene), scene), scene.camera)
        ids, visible = self._ids(len(scene.bricks))
        return Drawn(scene, image, ids, visible, self._full_px(scene, bodies))

    # ---- setting up --------------------------------------------------------------------------

    def _shaders(self) -> None:
        body = source("body.vert")
        screen = source("screen.vert")

        def program(vertex: str, fragment: str) -> Any:
            return self._gl.program(vertex_shader=vertex, fragment_shader=source(fragment))

        self._surface = program(source("brick.vert"), "surface.frag")
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
        self._panoramas = {height: self._sky_texture(height) for height in (32, 64)}

    def _sky_texture(self, height: int) -> Any:
        texture = self._gl.texture((2 * height, height), 3, dtype="f4")
        texture.repeat_y = False
        texture.build_mipmaps()
        texture.filter = self._gl.LINEAR_MIPMAP_LINEAR, self._gl.LINEAR
        return texture

    def _ground_plane(self) -> Any:
        corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, -1], [1, 1], [-1, 1]]) * GROUND_MM
        flat = np.column_stack([corners, np.zeros(6)]).astype("f4")
        return self._gl.vertex_array(
            self._ground, [(self._gl.buffer(flat.tobytes()), "3f", "position")]
        )

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
        set_matrix(self._depth, "view_projection", matrix)
        for body in bodies:
            if body.opacity == 1:
                set_matrix(self._depth, "model", body.matrix)
                self._arrays.of(body.key, self._realism).depth.render()

    def _draw_surfaces(self, scene: Scene, bodies, lights, matrices) -> None:
        gl, program = self._gl, self._surface
        self._surfaces.use()
        self._surfaces.clear(0.0, 0.0, 0.0, 1.0, depth=1.0)
        self._ids_texture.write(bytes(self._ids_texture.width * self._ids_texture.height))
        view = clip_matrix(scene.camera)
        set_matrix(program, "view_projection", view)
        program["eye"] = scene.camera.position_mm
        program["bevel_mm"] = BEVEL_MM if "bevels" in self._realism else 0.0
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
        set_matrix(program, "model", body.matrix)
        program["albedo"] = body.albedo
        program["opacity"] = body.opacity
        program["roughness"] = body.roughness
        program["number"] = body.number
        self._arrays.of(body.key, self._realism).surface.render()

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
        set_matrix(program, "view_projection", view)
        set_matrix(program, "model", np.eye(4))
        self._plane.render()

    def _set_sky(self, scene: Scene) -> None:
        radiance = panorama(scene.sky, mean_albedo(scene.ground))
        texture, glossy = self._panoramas[len(radiance)], "gloss" in self._realism
        for level, pixels in enumerate(blurred(radiance) if glossy else [radiance]):
            texture.write(np.ascontiguousarray(pixels, "f4").tobytes(), level=level)
        if not glossy:
            texture.build_mipmaps()
        texture.use(1)
        self._surface["glossy"] = int(glossy)
        harmonics = irradiance(radiance)
        set_array(self._surface, "harmonics", harmonics)
        upwards = basis(np.array([[0.0, 0.0, 1.0]]))
        self._ground["ground_around"] = tuple(np.maximum(upwards @ harmonics, 0)[0])

    def _set_lights(self, lights, matrices) -> None:
        program = self._surface
        towards = np.zeros((SHADOWED_LIGHTS, 3))
        colour, blur = np.zeros((SHADOWED_LIGHTS, 3)), np.zeros(SHADOWED_LIGHTS)
        spread = np.zeros(SHADOWED_LIGHTS)
        views = np.tile(np.eye(4), (SHADOWED_LIGHTS, 1, 1))
        for i, (light, matrix) in enumerate(zip(lights, matrices, strict=True)):
            towards[i], views[i] = light.direction, matrix
            colour[i] = np.asarray(light.colour) * light.strength
            wide = PENUMBRA_MM * np.tan(np.radians(min(light.angle_deg, 90) / 2))
            if "gloss" in self._realism:
                spread[i] = SPREAD * np.tan(np.radians(min(light.angle_deg, 90) / 2))
            # The light's own matrix says how many millimetres its map spans.
            blur[i] = max(wide, 0.15) * np.linalg.norm(matrix[0, :3]) / 2
        set_array(program, "light_towards", towards)
        set_array(program, "light_colour", colour)
        set_array(program, "light_spread", spread)
        set_array(self._ground, "ground_light", colour * np.maximum(towards[:, 2:], 0))
        for either in (program, self._ground):
            set_array(either, "light_blur", blur)
            set_array(either, "light_matrix", views.transpose(0, 2, 1))
        for i, texture in enumerate(self._shadows):
            texture.use(2 + i)

    def _draw_picture(self, scene: Scene) -> np.ndarray:
        gl = self._gl
        gl.enable_only(gl.NOTHING)
        projection = projection_of(scene.camera)
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

    def _focused(self, image: np.ndarray, scene: Scene) -> np.ndarray:
        if scene.camera.f_stop is None or "exposure" not in self._realism:
            return image
        side = self.size_px * SUPERSAMPLING
        depth = np.frombuffer(self._scene_depth.read(alignment=1), np.float32)
        depth = depth.reshape(side, side)[::-1][1::SUPERSAMPLING, ::SUPERSAMPLING]
        projection = projection_of(scene.camera)
        away = projection[2, 3] / (depth * 2 - 1 + projection[2, 2])
        return focused(image, away, scene.camera)

    def _ids(self, bricks: int) -> tuple[np.ndarray, np.ndarray]:
        side = self.size_px * SUPERSAMPLING
        fine = np.frombuffer(self._ids_texture.read(alignment=1), np.uint8).reshape(side, side)
        counts = np.bincount(fine.ravel(), minlength=bricks + 1)[1 : bricks + 1]
        ids = np.ascontiguousarray(fine[::-1][1::SUPERSAMPLING, ::SUPERSAMPLING])
        return ids, counts / SUPERSAMPLING**2

    def _full_px(self, scene: Scene, bodies: list[Body]) -> np.ndarray:
        """Each brick alone, in a tile that its bounding box fills."""
        gl, target = self._gl, self._tile_target
        view = clip_matrix(scene.camera)
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
                zoom, area = fitted(view, body.matrix, self._size(body.key))
                set_matrix(self._flat, "view_projection", zoom @ view)
                set_matrix(self._flat, "model", body.matrix)
                self._arrays.of(body.key, self._realism).flat.render()
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
