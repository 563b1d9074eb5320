// Share of a light that reaches a point p of its shadow map: six taps on a disc, turned from
// pixel to pixel.
float lit(sampler2DShadow depths, vec3 p, float blur) {
    if (any(greaterThan(abs(p - 0.5), vec3(0.499)))) return 1.0;
    float turn = fract(52.9829189 * fract(dot(gl_FragCoord.xy, vec2(0.06711056, 0.00583715))));
    float c = cos(turn * 6.2831853), s = sin(turn * 6.2831853);
    mat2 spin = mat2(c, s, -s, c) * blur;
    float sum = texture(depths, vec3(p.xy + spin * vec2(0.25, 0.0), p.z))
        + texture(depths, vec3(p.xy + spin * vec2(-0.31, 0.31), p.z))
        + texture(depths, vec3(p.xy + spin * vec2(0.0, -0.56), p.z))
        + texture(depths, vec3(p.xy + spin * vec2(0.47, 0.47), p.z))
        + texture(depths, vec3(p.xy + spin * vec2(-0.75, 0.0), p.z))
        + texture(depths, vec3(p.xy + spin * vec2(0.56, -0.6), p.z));
    return sum / 6.0;
}
