#version 330 core
in vec3 position;
in vec3 normal;
in vec3 away;
in vec3 beyond0;
in vec3 beyond1;
in vec3 beyond2;
uniform mat4 model;
uniform mat4 view_projection;
out vec3 world;
out vec3 facing;
out vec3 edge_away;
flat out vec3 edge_beyond[3];

void main() {
    vec4 p = model * vec4(position, 1.0);
    mat3 turn = mat3(model);
    world = p.xyz;
    facing = turn * normal;
    edge_away = away;
    edge_beyond[0] = turn * beyond0;
    edge_beyond[1] = turn * beyond1;
    edge_beyond[2] = turn * beyond2;
    gl_Position = view_projection * p;
}
