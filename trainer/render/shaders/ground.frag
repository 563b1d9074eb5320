#version 330 core
// The ground: matt, level, most of every picture, so it does without what only bricks need.
const int LIGHTS = 2;

in vec3 world;
layout(location = 0) out vec4 radiance;
layout(location = 1) out uint instance;

uniform sampler2D ground_tile;
uniform int ground_is_photograph;
uniform vec3 ground_dark;
uniform vec3 ground_bright;
uniform mat2 ground_turn;
uniform vec2 ground_offset;
uniform vec3 ground_around;
uniform vec3 ground_light[LIGHTS];
uniform float light_blur[LIGHTS];
uniform mat4 light_matrix[LIGHTS];
uniform sampler2DShadow shadow0;
uniform sampler2DShadow shadow1;

#include lit

void main() {
    vec3 t = texture(ground_tile, ground_turn * world.xy + ground_offset).rgb;
    vec3 base = ground_is_photograph == 1
        ? t * t
        : mix(ground_dark, ground_bright, t.r) * (0.7 + 0.6 * t.g);
    vec3 sum = ground_around;
    vec3 p = (light_matrix[0] * vec4(world, 1.0)).xyz * 0.5 + 0.5;
    sum += ground_light[0] * lit(shadow0, p, light_blur[0]);
    if (ground_light[1].g > 0.0) {
        p = (light_matrix[1] * vec4(world, 1.0)).xyz * 0.5 + 0.5;
        sum += ground_light[1] * lit(shadow1, p, light_blur[1]);
    }
    radiance = vec4(base * sum, 1.0);
    instance = 0u;
}
