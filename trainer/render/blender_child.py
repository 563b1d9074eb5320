"""Draws scenes with Cycles; runs in a Python of its own that has bpy, and nothing else of ours.

Reads one job a line on standard input, a JSON object with paths of what `trainer.render.blender`
wrote, and answers one line on standard output: "done" or "failed" and why.
"""

import json
import math
import os
import sys
import traceback

import bpy
import mathutils
import numpy as np

MM = 0.1  # in Blender's units: one is a centimetre
DEPTH_OF_FIELD_SCALE = 20  # the lens of a telephone, in a scene a hundred times its size


def serve():
    """Answer jobs until standard input ends."""
    # Blender itself talks on standard output; the answers keep the old one to themselves.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        job = json.loads(line)
        try:
            draw(job)
            answer = "done"
        except (RuntimeError, OSError, ValueError, KeyError) as error:
            traceback.print_exc()
            answer = f"failed {type(error).__name__}: {error}".replace("\n", " ")
        answers.write(answer + "\n")
        answers.flush()


def draw(job):
    """Draw one scene into job["out"], a PNG."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = job["scene"]
    for body in job["bodies"]:
        add_body(body, job["bevel_mm"])
    add_ground(job)
    add_sky(job)
    for light in scene["lights"]:
        add_light(light)
    add_camera(scene["camera"])
    render(scene, job)


def add_body(body, bevel_mm):
    """One brick or piece of clutter."""
    arrays = np.load(body["mesh"])
    mesh = mesh_of(body["mesh"], arrays["vertices"] * MM, arrays["faces"], arrays["normals"])
    thing = bpy.data.objects.new("body", mesh)
    bpy.context.scene.collection.objects.link(thing)
    matrix = np.array(body["matrix"])
    matrix[:3, 3] *= MM
    thing.matrix_world = mathutils.Matrix(matrix.tolist())
    mesh.materials.clear()
    mesh.materials.append(plastic(body, bevel_mm))


def mesh_of(name, vertices, faces, normals):
    """A mesh with one normal for each corner."""
    mesh = bpy.data.meshes.new(name[-40:])
    mesh.vertices.add(len(vertices))
    mesh.vertices.foreach_set("co", vertices.astype(np.float32).ravel())
    mesh.loops.add(faces.size)
    mesh.loops.foreach_set("vertex_index", faces.astype(np.int32).ravel())
    mesh.polygons.add(len(faces))
    mesh.polygons.foreach_set("loop_start", np.arange(0, faces.size, 3, dtype=np.int32))
    mesh.polygons.foreach_set("use_smooth", np.ones(len(faces), bool))
    mesh.update(calc_edges=True)
    mesh.normals_split_custom_set([tuple(n) for n in normals.reshape(-1, 3).tolist()])
    return mesh


def plastic(body, bevel_mm):
    """Its material; edges are rounded for the light alone."""
    material = bpy.data.materials.new("plastic")
    material.use_nodes = True
    tree = material.node_tree
    surface = tree.nodes["Principled BSDF"]
    surface.inputs["Base Color"].default_value = (*body["albedo"], 1)
    surface.inputs["Roughness"].default_value = body["roughness"]
    surface.inputs["IOR"].default_value = 1.53
    surface.inputs["Alpha"].default_value = body["opacity"]
    if bevel_mm > 0:
        bevel = tree.nodes.new("ShaderNodeBevel")
        bevel.samples = 4
        bevel.inputs["Radius"].default_value = bevel_mm * MM
        tree.links.new(bevel.outputs[0], surface.inputs["Normal"])
    return material


def add_ground(job):
    """A plane with the ground's picture on it."""
    reach = job["ground_mm"] * MM
    corners = [(-reach, -reach, 0), (reach, -reach, 0), (reach, reach, 0), (-reach, reach, 0)]
    mesh = bpy.data.meshes.new("ground")
    mesh.from_pydata(corners, [], [(0, 1, 2, 3)])
    layer = mesh.uv_layers.new()
    layer.data.foreach_set("uv", np.array(job["ground_uv"], np.float32).ravel())
    material = bpy.data.materials.new("ground")
    material.use_nodes = True
    tree = material.node_tree
    surface = tree.nodes["Principled BSDF"]
    surface.inputs["Roughness"].default_value = job["scene"]["ground"]["roughness"]
    texture = tree.nodes.new("ShaderNodeTexImage")
    texture.image = bpy.data.images.load(job["ground_picture"])
    tree.links.new(texture.outputs["Color"], surface.inputs["Base Color"])
    mesh.materials.append(material)
    bpy.context.scene.collection.objects.link(bpy.data.objects.new("ground", mesh))


def add_sky(job):
    """Light from all around."""
    radiance = np.load(job["panorama"])
    height, width, _ = radiance.shape
    image = bpy.data.images.new("sky", width, height, float_buffer=True)
    image.colorspace_settings.name = "Non-Color"
    # Blender turns the other way round and begins half a turn later; its rows begin below.
    turned = np.roll(radiance[::-1, ::-1], width // 2, axis=1)
    pixels = np.concatenate([turned, np.ones_like(turned[..., :1])], axis=2)
    image.pixels.foreach_set(pixels.astype(np.float32).ravel())
    world = bpy.data.worlds.new("world")
    bpy.context.scene.world = world
    world.use_nodes = True
    world.cycles.sampling_method = "MANUAL"
    world.cycles.sample_map_resolution = 64
    tree = world.node_tree
    texture = tree.nodes.new("ShaderNodeTexEnvironment")
    texture.image = image
    tree.links.new(texture.outputs["Color"], tree.nodes["Background"].inputs["Color"])


def add_light(light):
    """A distant light; a white surface that faces it is as bright as its strength."""
    sun = bpy.data.lights.new("light", "SUN")
    sun.energy = light["strength"] * math.pi
    sun.color = [min(1.0, c) for c in light["colour"]]
    sun.angle = math.radians(light["angle_deg"])
    lamp = bpy.data.objects.new("light", sun)
    bpy.context.scene.collection.objects.link(lamp)
    lamp.rotation_mode = "QUATERNION"
    lamp.rotation_quaternion = mathutils.Vector(light["direction"]).to_track_quat("Z", "Y")


def add_camera(camera):
    """The camera, from its view matrix."""
    lens = bpy.data.cameras.new("camera")
    lens.sensor_fit = "HORIZONTAL"
    lens.angle = math.radians(camera["field_deg"])
    lens.clip_start, lens.clip_end = 0.05, 2000
    if camera["f_stop"] is not None:
        away = np.subtract(camera["position_mm"], camera["target_mm"])
        lens.dof.use_dof = True
        lens.dof.focus_distance = float(np.linalg.norm(away)) * MM
        lens.dof.aperture_fstop = camera["f_stop"] / DEPTH_OF_FIELD_SCALE
    thing = bpy.data.objects.new("camera", lens)
    scene = bpy.context.scene
    scene.collection.objects.link(thing)
    scene.camera = thing
    matrix = np.linalg.inv(np.array(camera["view"]))
    matrix[:3, 3] *= MM
    thing.matrix_world = mathutils.Matrix(matrix.tolist())


def render(scene_data, job):
    """Cycles, few samples and a denoiser, one thread."""
    scene = bpy.context.scene
    r, cycles = scene.render, scene.cycles
    r.engine = "CYCLES"
    r.threads_mode, r.threads = "FIXED", 1
    r.resolution_x = r.resolution_y = job["size_px"]
    r.resolution_percentage = 100
    cycles.device = "CPU"
    cycles.samples = job["samples"]
    cycles.seed = scene_data["seed"] % 2**31
    cycles.use_adaptive_sampling = True
    cycles.adaptive_threshold = 0.03
    cycles.use_light_tree = False
    cycles.max_bounces, cycles.diffuse_bounces, cycles.glossy_bounces = 4, 2, 2
    cycles.transparent_max_bounces = 8
    cycles.caustics_reflective = cycles.caustics_refractive = False
    cycles.use_denoising = True
    cycles.denoiser = "OPENIMAGEDENOISE"
    cycles.denoising_quality, cycles.denoising_prefilter = "FAST", "FAST"
    filmic = scene_data["tone"] == "filmic"
    scene.view_settings.view_transform = "AgX" if filmic else "Standard"
    scene.view_settings.exposure = math.log2(scene_data["exposure"])
    r.image_settings.file_format = "PNG"
    r.image_settings.color_mode = "RGB"
    r.image_settings.compression = 15
    r.filepath = job["out"]
    bpy.ops.render.render(write_still=True)


if __name__ == "__main__":
    serve()
