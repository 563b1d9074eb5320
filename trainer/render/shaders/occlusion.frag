#version 330 core
// Ambient occlusion in screen space, after McGuire et al. 2011 ("Alchemy").
in vec2 uv;
out float open_share;
uniform sampler2D depths;
uniform vec2 depth_terms;   // view z = -depth_terms.y / (ndc + depth_terms.x)
uniform float half_field;   // tangent of half the angle of view
uniform float reach_mm;
const int TAPS = 9;

vec3 spot(vec2 at) {
    float ndc = textureLod(depths, at, 0.0).r * 2.0 - 1.0;
    float z = depth_terms.y / (ndc + depth_terms.x);
    return vec3((at * 2.0 - 1.0) * half_field * z, -z);
}

void main() {
    vec3 p = spot(uv);
    vec3 n = normalize(cross(dFdx(p), dFdy(p)));
    float reach = min(reach_mm / (2.0 * half_field * -p.z), 0.12);
    float turn = fract(52.9829189 * fract(dot(gl_FragCoord.xy, vec2(0.06711056, 0.00583715))));
    float sum = 0.0;
    for (int i = 0; i < TAPS; i++) {
        float share = (float(i) + 0.5) / float(TAPS);
        float angle = 6.2831853 * (share * 2.0 + turn);
        vec3 q = spot(uv + reach * share * vec2(cos(angle), sin(angle))) - p;
        float near = dot(q, q);
        float fade = max(0.0, 1.0 - near / (reach_mm * reach_mm * 2.0));
        sum += fade * max(0.0, dot(n, q) - 0.15) / (near + 0.5);
    }
    open_share = clamp(1.0 - 2.4 * reach_mm * 0.35 * sum / float(TAPS), 0.0, 1.0);
}
