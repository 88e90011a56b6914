/* A PLC that was not written here: libmodbus serving "the ladder" (tests/common/plc.rs tells what it is).
 *
 * Usage: libmodbus_server PORT PORTS LOG [still]       one counter per port, ports PORT .. PORT+PORTS-1
 * With "still" nothing steps: registers keep what is written to them, and writes are lines of the log too.
 *
 * Every read request steps the counter of its port, and the registers are functions of it. Each request answered is a line in
 * LOG, written before the answer leaves: "t_ms function unit address count counter port". That log is the ground truth of the
 * tests: a value that is not in it was never handed out. Prints "ready" when it listens; ends when its standard input closes,
 * so that it never outlives the test that started it.
 * Build: cc -O2 libmodbus_server.c -o libmodbus_server -lmodbus */
#define _GNU_SOURCE
#include <errno.h>
#include <modbus/modbus.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MAX_PORTS = 200, MAX_FDS = 1000, REGISTERS = 2000, BITS = 64 };

static modbus_t *listener[MAX_PORTS];
static uint32_t counter[MAX_PORTS];
static struct pollfd fds[MAX_FDS]; /* 0: standard input; then the listening ports; then connections */
static int owner[MAX_FDS];         /* the port's number of each descriptor */

static void step(modbus_mapping_t *map, uint32_t n) {
  uint16_t *r = map->tab_registers, low = (uint16_t)n, high = (uint16_t)(n >> 16);
  float half = (float)n / 2;
  uint32_t bits;
  memcpy(&bits, &half, sizeof bits);
  for (int a = 8; a < REGISTERS; a++) r[a] = (uint16_t)(n + a);
  r[0] = high;
  r[1] = low;
  r[2] = low;
  r[3] = (uint16_t)-(n % 1000);
  r[4] = (uint16_t)(bits >> 16);
  r[5] = (uint16_t)bits;
  r[6] = low;
  r[7] = high;
  memcpy(map->tab_input_registers, r, sizeof *r * REGISTERS);
  map->tab_bits[0] = map->tab_input_bits[0] = n & 1;
}

static void note(FILE *log, const uint8_t *pdu, int unit, int port) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  fprintf(log, "%lld %d %d %d %d %u %d\n", t.tv_sec * 1000LL + t.tv_nsec / 1000000, pdu[0], unit, pdu[1] << 8 | pdu[2], pdu[3] << 8 | pdu[4],
          counter[port], port);
  fflush(log);
}

int main(int argc, char **argv) {
  int still = argc == 5 && !strcmp(argv[4], "still");
  if (argc != 4 && !still) {
    fprintf(stderr, "usage: libmodbus_server PORT PORTS LOG\n");
    return 2;
  }
  int base = atoi(argv[1]), ports = atoi(argv[2]), n = 1;
  const char *address = getenv("LISTEN"); /* where not on the loopback */
  FILE *log = fopen(argv[3], "a");
  modbus_mapping_t *map = modbus_mapping_new(BITS, BITS, REGISTERS, REGISTERS);
  if (!log || !map || ports < 1 || ports > MAX_PORTS) {
    fprintf(stderr, "libmodbus_server: %s\n", strerror(errno));
    return 1;
  }
  fds[0] = (struct pollfd){.fd = 0, .events = POLLIN};
  for (int i = 0; i < ports; i++, n++) {
    listener[i] = modbus_new_tcp(address ? address : "127.0.0.1", base + i);
    fds[n] = (struct pollfd){.fd = modbus_tcp_listen(listener[i], 8), .events = POLLIN};
    owner[n] = i;
    if (fds[n].fd < 0) {
      fprintf(stderr, "libmodbus_server: port %d: %s\n", base + i, strerror(errno));
      return 1;
    }
  }
  puts("ready");
  fflush(stdout);
  while (poll(fds, n, -1) >= 0 || errno == EINTR) {
    char end;
    if (fds[0].revents && read(0, &end, 1) <= 0) return 0;
    for (int i = 1; i < n; i++) {
      if (!fds[i].revents) continue;
      modbus_t *ctx = listener[owner[i]];
      if (i <= ports) {
        int s = fds[i].fd, fd = n < MAX_FDS ? modbus_tcp_accept(ctx, &s) : -1;
        if (fd >= 0) {
          fds[n] = (struct pollfd){.fd = fd, .events = POLLIN};
          owner[n++] = owner[i];
        }
        continue;
      }
      uint8_t query[MODBUS_TCP_MAX_ADU_LENGTH];
      modbus_set_socket(ctx, fds[i].fd);
      int length = modbus_receive(ctx, query);
      if (length < 0) {
        close(fds[i].fd);
        n--;
        fds[i] = fds[n];
        owner[i] = owner[n];
        i--;
        continue;
      }
      const uint8_t *pdu = query + modbus_get_header_length(ctx);
      if (length >= 12 && still) note(log, pdu, query[6], owner[i]);
      if (length >= 12 && !still && pdu[0] >= 1 && pdu[0] <= 4) {
        step(map, ++counter[owner[i]]);
        note(log, pdu, query[6], owner[i]);
      }
      if (length > 0) modbus_reply(ctx, query, length, map);
    }
  }
  return 1;
}
