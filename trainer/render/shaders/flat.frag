#version 330 core
out vec4 mark;
void main() { mark = vec4(1.0); }
