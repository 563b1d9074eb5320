#include "frame.h"

namespace sbp {

uint16_t crc16(const uint8_t* bytes, size_t size) {
  uint16_t crc = 0xFFFF;
  for (size_t i = 0; i < size; ++i) {
    crc ^= static_cast<uint16_t>(bytes[i] << 8);
    for (uint8_t bit = 0; bit < 8; ++bit) {
      crc = static_cast<uint16_t>(crc & 0x8000 ? crc << 1 ^ 0x1021 : crc << 1);
    }
  }
  return crc;
}

size_t encode(uint8_t* raw, size_t size, uint8_t* wire) {
  put16(raw + size, crc16(raw, size));
  size_t length = 0;
  wire[length++] = 0;
  size_t code_at = length++;
  for (size_t i = 0; i < size + kCrcBytes; ++i) {
    if (raw[i] == 0) {
      wire[code_at] = static_cast<uint8_t>(length - code_at);
      code_at = length++;
    } else {
      wire[length++] = raw[i];
    }
  }
  wire[code_at] = static_cast<uint8_t>(length - code_at);
  wire[length++] = 0;
  return length;
}

// In place: what is written never overtakes what is read.
static size_t unstuff(uint8_t* bytes, size_t size) {
  size_t from = 0;
  size_t to = 0;
  while (from < size) {
    const uint8_t code = bytes[from++];
    if (code == 0 || from + code - 1 > size) return 0;
    for (uint8_t i = 1; i < code; ++i) bytes[to++] = bytes[from++];
    if (code < 0xFF && from < size) bytes[to++] = 0;
  }
  return to;
}

size_t decode(uint8_t* bytes, size_t size) {
  if (size > kMaxCodedBytes) return 0;
  const size_t raw = unstuff(bytes, size);
  if (raw < kMinRawBytes || raw > kMaxRawBytes) return 0;
  const size_t body = raw - kCrcBytes;
  return crc16(bytes, body) == get16(bytes + body) ? body : 0;
}

}  // namespace sbp
