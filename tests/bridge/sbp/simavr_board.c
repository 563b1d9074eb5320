/* An Arduino in simavr, a step at a time: bytes go in, bytes and pin edges with their cycle come
   out. Whoever calls decides how far it runs, so that the same calls give the same answers. */
#include <simavr/avr_ioport.h>
#include <simavr/avr_uart.h>
#include <simavr/sim_avr.h>
#include <simavr/sim_hex.h>
#include <simavr/sim_time.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define LOG_BITS 20
#define LOG_SIZE (1u << LOG_BITS)

typedef struct {
  uint64_t cycle;
  uint32_t pin; /* Arduino's number */
  uint32_t high;
} edge_t;

typedef struct {
  avr_t* avr;
  edge_t* edges;
  uint32_t edge_count;
  uint8_t sent[LOG_SIZE];
  uint32_t sent_from, sent_to;
  int ready;
} board_t;

typedef struct {
  board_t* board;
  uint32_t pin;
} wire_t;

static void on_pin(struct avr_irq_t* irq, uint32_t value, void* param) {
  (void)irq;
  wire_t* wire = param;
  board_t* board = wire->board;
  if (board->edge_count < LOG_SIZE) {
    board->edges[board->edge_count++] = (edge_t){board->avr->cycle, wire->pin, value & 1};
  }
}

static void on_byte(struct avr_irq_t* irq, uint32_t value, void* param) {
  (void)irq;
  board_t* board = param;
  board->sent[board->sent_to++ % LOG_SIZE] = (uint8_t)value;
}

static void on_ready(struct avr_irq_t* irq, uint32_t value, void* param) {
  (void)irq;
  (void)value;
  ((board_t*)param)->ready = 1;
}

static void on_full(struct avr_irq_t* irq, uint32_t value, void* param) {
  (void)irq;
  (void)value;
  ((board_t*)param)->ready = 0;
}

static avr_irq_t* pin_irq(board_t* board, uint32_t pin) {
  const char port = pin < 8 ? 'D' : pin < 14 ? 'B' : 'C';
  const int bit = pin < 8 ? pin : pin < 14 ? pin - 8 : pin - 14;
  return avr_io_getirq(board->avr, AVR_IOCTL_IOPORT_GETIRQ(port), bit);
}

board_t* board_new(const char* hex, uint32_t frequency) {
  board_t* board = calloc(1, sizeof *board);
  board->avr = avr_make_mcu_by_name("atmega328p");
  if (!board->avr) return NULL;
  avr_init(board->avr);
  board->avr->frequency = frequency;
  board->avr->log = LOG_NONE;
  uint32_t size = 0, start = 0;
  uint8_t* program = read_ihex_file(hex, &size, &start);
  if (!program || start + size > board->avr->flashend + 1) return NULL;
  memcpy(board->avr->flash + start, program, size);
  free(program);
  board->avr->pc = 0;
  board->avr->codeend = board->avr->flashend;
  board->edges = calloc(LOG_SIZE, sizeof(edge_t));
  board->ready = 1;
  uint32_t flags = 0; /* neither echo on the terminal nor sleep when polled */
  avr_ioctl(board->avr, AVR_IOCTL_UART_SET_FLAGS('0'), &flags);
  avr_irq_t* uart = avr_io_getirq(board->avr, AVR_IOCTL_UART_GETIRQ('0'), 0);
  avr_irq_register_notify(uart + UART_IRQ_OUTPUT, on_byte, board);
  avr_irq_register_notify(uart + UART_IRQ_OUT_XON, on_ready, board);
  avr_irq_register_notify(uart + UART_IRQ_OUT_XOFF, on_full, board);
  for (uint32_t pin = 2; pin < 14; ++pin) {
    wire_t* wire = malloc(sizeof *wire);
    *wire = (wire_t){board, pin};
    avr_irq_register_notify(pin_irq(board, pin), on_pin, wire);
  }
  return board;
}

/* 0: it runs; otherwise it crashed or ended. */
int board_run(board_t* board, uint64_t until_cycle) {
  while (board->avr->cycle < until_cycle) {
    const int state = avr_run(board->avr);
    if (state == cpu_Done || state == cpu_Crashed) return state;
  }
  return 0;
}

uint64_t board_cycle(const board_t* board) { return board->avr->cycle; }
int board_ready(const board_t* board) { return board->ready; }

void board_put(board_t* board, uint8_t byte) {
  avr_raise_irq(avr_io_getirq(board->avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_INPUT), byte);
}

uint32_t board_get(board_t* board, uint8_t* bytes, uint32_t room) {
  uint32_t size = 0;
  while (size < room && board->sent_from != board->sent_to) {
    bytes[size++] = board->sent[board->sent_from++ % LOG_SIZE];
  }
  return size;
}

void board_set_pin(board_t* board, uint32_t pin, int high) {
  avr_raise_irq(pin_irq(board, pin), high);
}

void board_reset(board_t* board) {
  avr_reset(board->avr);
  board->avr->pc = 0;
}

uint32_t board_edge_count(const board_t* board) { return board->edge_count; }
void board_edge(const board_t* board, uint32_t place, edge_t* edge) {
  *edge = board->edges[place];
}
