#version 330 core
in vec3 position;
in vec3 normal;
uniform mat4 model;
uniform mat4 view_projection;
out vec3 world;
out vec3 facing;

void main() {
    vec4 p = model * vec4(position, 1.0);
    world = p.xyz;
    facing = mat3(model) * normal;
    gl_Position = view_projection * p;
}
