#version 330 core
in vec2 uv;
out vec4 pixel;
uniform sampler2D radiance;
uniform sampler2D open_shares;
uniform float exposure;
uniform int filmic;

void main() {
    vec3 x = textureLod(radiance, uv, 0.0).rgb * exposure;
    vec2 texel = 1.0 / vec2(textureSize(open_shares, 0));
    float open = 0.25 * (textureLod(open_shares, uv + texel * vec2(0.5, 0.5), 0.0).r
        + textureLod(open_shares, uv + texel * vec2(-0.5, 0.5), 0.0).r
        + textureLod(open_shares, uv + texel * vec2(0.5, -0.5), 0.0).r
        + textureLod(open_shares, uv + texel * vec2(-0.5, -0.5), 0.0).r);
    x *= mix(1.0, open, 0.85);
    // Hable's curve, 2010, scaled so that white stays white.
    if (filmic == 1) {
        x *= 2.2;
        vec3 y = ((x * (0.15 * x + 0.05) + 0.004) / (x * (0.15 * x + 0.5) + 0.06)) - 0.0667;
        x = y / 0.7255;
    }
    x = clamp(x, 0.0, 1.0);
    pixel = vec4(mix(12.92 * x, 1.055 * pow(x, vec3(1.0 / 2.4)) - 0.055, step(0.0031308, x)), 1.0);
}
