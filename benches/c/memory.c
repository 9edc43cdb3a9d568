/* The reads and writes of Argon2id without its arithmetic: each block is its predecessor combined with an earlier block,
   chosen as Argon2id chooses but by numbers that no block is needed for, so that reads of many blocks overlap. Each line
   of the input is a number of hashes, each line of the output the nanoseconds of as many times the traffic of one. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

enum { WORDS = 128, SLICES = 4, HUGE_PAGE = 2 << 20 };

typedef uint64_t block[WORDS];

static block *memory;
static size_t lanes, lane_blocks, passes;
static uint64_t state = 88172645463325252;

static uint64_t next_number(void) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

/* RFC 9106, section 3.4.2. */
static size_t reference(size_t pass, size_t slice, size_t index, size_t lane) {
    size_t segment = lane_blocks / SLICES;
    uint64_t number = next_number(), low = number & 0xffffffff;
    size_t other = lanes == 1 || (pass == 0 && slice == 0) ? lane : (number >> 32) % lanes;
    size_t finished = pass == 0 ? slice * segment : lane_blocks - segment;
    size_t size = other == lane ? finished + index - 1 : finished - (index == 0);
    size_t back = (size * ((low * low) >> 32)) >> 32;
    size_t start = pass == 0 || slice == SLICES - 1 ? 0 : (slice + 1) * segment;
    return other * lane_blocks + (start + size - 1 - back) % lane_blocks;
}

static void fill(void) {
    size_t segment = lane_blocks / SLICES;
    for (size_t pass = 0; pass < passes; pass++) {
        for (size_t slice = 0; slice < SLICES; slice++) {
            for (size_t index = pass == 0 && slice == 0 ? 2 : 0; index < segment; index++) {
                for (size_t lane = 0; lane < lanes; lane++) {
                    size_t at = slice * segment + index, before = at == 0 ? lane_blocks - 1 : at - 1;
                    uint64_t *restrict target = memory[lane * lane_blocks + at];
                    const uint64_t *previous = memory[lane * lane_blocks + before];
                    const uint64_t *earlier = memory[reference(pass, slice, index, lane)];
                    if (pass == 0) {
                        for (size_t word = 0; word < WORDS; word++) target[word] = previous[word] ^ earlier[word];
                    } else {
                        for (size_t word = 0; word < WORDS; word++) target[word] ^= previous[word] ^ earlier[word];
                    }
                }
            }
        }
    }
}

int main(int count, char **arguments) {
    if (count < 4) {
        fputs("MEMORY_KIB ITERATIONS LANES\n", stderr);
        return 1;
    }
    passes = (size_t)atol(arguments[2]);
    lanes = (size_t)atol(arguments[3]);
    lane_blocks = (size_t)atol(arguments[1]) / lanes / SLICES * SLICES;
    size_t bytes = (lanes * lane_blocks * sizeof(block) + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    memory = aligned_alloc(HUGE_PAGE, bytes);
    if (memory == NULL || lane_blocks < 2 * SLICES) {
        fputs("no such memory\n", stderr);
        return 1;
    }
    madvise(memory, bytes, MADV_HUGEPAGE);
    char line[64];
    while (fgets(line, sizeof line, stdin)) {
        struct timespec began, ended;
        long times = atol(line);
        clock_gettime(CLOCK_MONOTONIC, &began);
        for (long time = 0; time < times; time++) fill();
        clock_gettime(CLOCK_MONOTONIC, &ended);
        int64_t nanoseconds = (int64_t)(ended.tv_sec - began.tv_sec) * 1000000000 + (ended.tv_nsec - began.tv_nsec);
        printf("%" PRId64 " no tag\n", nanoseconds);
        fflush(stdout);
    }
    return 0;
}
