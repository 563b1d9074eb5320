// Frames of sbp/1: see PROTOCOL.md, "Frames".
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace sbp {

constexpr uint8_t kVersion = 1;
constexpr size_t kHeaderBytes = 6;
constexpr size_t kCrcBytes = 2;
constexpr size_t kMaxPayloadBytes = 48;
constexpr size_t kMinRawBytes = kHeaderBytes + kCrcBytes;
constexpr size_t kMaxRawBytes = kMinRawBytes + kMaxPayloadBytes;
constexpr size_t kMaxCodedBytes = kMaxRawBytes + 1;
// A delimiter in front and one behind.
constexpr size_t kMaxWireBytes = kMaxCodedBytes + 2;

// CRC-16/CCITT-FALSE of `size` bytes.
uint16_t crc16(const uint8_t* bytes, size_t size);

// Writes delimiter, coded bytes, delimiter to `wire` (kMaxWireBytes); returns how many bytes.
// `raw` holds `size` bytes and room for the checksum, which is appended here.
size_t encode(uint8_t* raw, size_t size, uint8_t* wire);

// Decodes `size` coded bytes in place; returns how many raw bytes stand there without the checksum,
// 0 where there is no frame with a right checksum.
size_t decode(uint8_t* bytes, size_t size);

inline uint16_t get16(const uint8_t* at) { return static_cast<uint16_t>(at[0] << 8 | at[1]); }
inline uint32_t get32(const uint8_t* at) {
  return static_cast<uint32_t>(get16(at)) << 16 | get16(at + 2);
}
inline uint8_t* put16(uint8_t* at, uint16_t value) {
  at[0] = static_cast<uint8_t>(value >> 8);
  at[1] = static_cast<uint8_t>(value);
  return at + 2;
}
inline uint8_t* put32(uint8_t* at, uint32_t value) {
  return put16(put16(at, static_cast<uint16_t>(value >> 16)), static_cast<uint16_t>(value));
}

}  // namespace sbp
