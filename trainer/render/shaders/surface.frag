#version 330 core
// One surface under distant lights with shadow maps and a panorama around it.
// Lambert plus GGX (Walter et al. 2007) with Schlick's Fresnel; radiance is linear.
const float PI = 3.14159265;
const int LIGHTS = 2;

in vec3 world;
in vec3 facing;
in vec3 edge_away;
flat in vec3 edge_beyond[3];
layout(location = 0) out vec4 radiance;
layout(location = 1) out uint instance;

uniform vec3 eye;
uniform vec3 albedo;
uniform float opacity;
uniform float roughness;
uniform uint number;
uniform sampler2D panorama;
uniform int glossy;           // whether the panorama's levels are blurred for it
uniform float bevel_mm;       // 0 for none
uniform float light_spread[LIGHTS];
uniform vec3 harmonics[9];
uniform vec3 light_towards[LIGHTS];
uniform vec3 light_colour[LIGHTS];
uniform float light_blur[LIGHTS];
uniform mat4 light_matrix[LIGHTS];
uniform sampler2DShadow shadow0;
uniform sampler2DShadow shadow1;

vec3 around(vec3 n) {
    vec3 e = 0.282095 * harmonics[0]
        + 0.488603 * (n.y * harmonics[1] + n.z * harmonics[2] + n.x * harmonics[3])
        + 1.092548 * (n.x * n.y * harmonics[4] + n.y * n.z * harmonics[5]
                      + n.x * n.z * harmonics[7])
        + 0.315392 * (3.0 * n.z * n.z - 1.0) * harmonics[6]
        + 0.546274 * (n.x * n.x - n.y * n.y) * harmonics[8];
    return max(e, vec3(0.0));
}

#include lit

vec3 shine(vec3 n, vec3 v, vec3 l, float a, vec3 colour) {
    vec3 h = normalize(v + l);
    float nl = max(dot(n, l), 0.0), nv = max(dot(n, v), 1e-3), nh = max(dot(n, h), 0.0);
    float a2 = a * a, d = nh * nh * (a2 - 1.0) + 1.0;
    float k = 0.125 * (a + 1.0) * (a + 1.0);
    float shading = 1.0 / ((nl * (1.0 - k) + k) * (nv * (1.0 - k) + k));
    float fresnel = 0.045 + 0.955 * pow(1.0 - max(dot(v, h), 0.0), 5.0);
    return colour * min(a2 / (d * d) * shading * fresnel * 0.25, 20.0) * nl;
}

// Near an edge that stands out the surface rounds off towards the face beyond it. Of a picture too
// coarse for the bevel, each pixel shows its share.
vec3 rounded(vec3 n, vec3 v) {
    float footprint = length(fwidth(world)) * 0.7;
    float wide = max(bevel_mm, footprint);
    vec3 near = clamp(1.0 - edge_away / wide, 0.0, 1.0);
    if (near.x + near.y + near.z == 0.0) return n;
    near *= near * min(1.0, bevel_mm / footprint);
    vec3 bent = normalize(n + near.x * edge_beyond[0] + near.y * edge_beyond[1]
                          + near.z * edge_beyond[2]);
    // What turns away from the eye is not seen of a bevel; it would mirror as water does.
    return normalize(bent + v * max(0.0, min(dot(n, v), 0.25) - dot(bent, v)));
}

void main() {
    vec3 v = normalize(eye - world);
    vec3 n = normalize(facing);
    if (bevel_mm > 0.0) n = rounded(n, v);
    if (dot(n, v) < 0.0 && !gl_FrontFacing) n = -n;
    float a = max(roughness * roughness, 0.01);
    vec3 r = reflect(-v, n);
    vec2 where = vec2(atan(r.y, r.x) / (2.0 * PI), acos(clamp(r.z, -1.0, 1.0)) / PI);
    float grazing = 0.045 + (max(1.0 - roughness, 0.045) - 0.045)
        * pow(1.0 - max(dot(n, v), 0.0), 5.0);
    // 128 columns: a lobe's width in columns is its level.
    float level = glossy == 1 ? max(0.0, log2(40.7 * a)) : roughness * 4.0;
    vec3 sum = albedo * around(n) * (glossy == 1 ? 1.0 - grazing : 1.0)
        + grazing * textureLod(panorama, where, level).rgb;
    for (int i = 0; i < LIGHTS; i++) {
        float nl = dot(n, light_towards[i]);
        if (nl <= 0.0 || light_colour[i].g <= 0.0) continue;
        vec3 p = (light_matrix[i] * vec4(world + n * 0.35, 1.0)).xyz * 0.5 + 0.5;
        float seen = i == 0 ? lit(shadow0, p, light_blur[i]) : lit(shadow1, p, light_blur[i]);
        if (seen <= 0.0) continue;
        vec3 glint = shine(n, v, light_towards[i], min(1.0, a + light_spread[i]), light_colour[i]);
        sum += seen * (albedo * nl * light_colour[i] + glint);
    }
    radiance = vec4(sum, opacity);
    instance = number;
}
