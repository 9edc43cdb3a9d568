/* Hashes with the C library and measures the time: each line of the input is a number of hashes, each line of the
   output their nanoseconds and the tag. */
#include <argon2.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static uint8_t *kept;
static size_t kept_bytes;

/* Memory is kept from one hash to the next, as by the other rivals. */
static int allocate(uint8_t **memory, size_t bytes) {
    if (bytes > kept_bytes) {
        free(kept);
        kept = malloc(bytes);
        kept_bytes = kept ? bytes : 0;
    }
    *memory = kept;
    return kept ? ARGON2_OK : ARGON2_MEMORY_ALLOCATION_ERROR;
}

static void release(uint8_t *memory, size_t bytes) {
    (void)memory;
    (void)bytes;
}

int main(int count, char **arguments) {
    if (count != 6) {
        fputs("MEMORY_KIB ITERATIONS LANES PASSWORD SALT\n", stderr);
        return 1;
    }
    uint8_t tag[32];
    char line[64];
    while (fgets(line, sizeof line, stdin)) {
        long times = atol(line);
        struct timespec began, ended;
        clock_gettime(CLOCK_MONOTONIC, &began);
        for (long time = 0; time < times; time++) {
            argon2_context context;
            memset(&context, 0, sizeof context);
            context.out = tag;
            context.outlen = sizeof tag;
            context.pwd = (uint8_t *)arguments[4];
            context.pwdlen = (uint32_t)strlen(arguments[4]);
            context.salt = (uint8_t *)arguments[5];
            context.saltlen = (uint32_t)strlen(arguments[5]);
            context.m_cost = (uint32_t)atol(arguments[1]);
            context.t_cost = (uint32_t)atol(arguments[2]);
            context.lanes = (uint32_t)atol(arguments[3]);
            context.threads = 1;
            context.version = ARGON2_VERSION_13;
            context.allocate_cbk = allocate;
            context.free_cbk = release;
            int failed = argon2_ctx(&context, Argon2_id);
            if (failed != ARGON2_OK) {
                fprintf(stderr, "%s\n", argon2_error_message(failed));
                return 1;
            }
        }
        clock_gettime(CLOCK_MONOTONIC, &ended);
        int64_t nanoseconds = (int64_t)(ended.tv_sec - began.tv_sec) * 1000000000 + (ended.tv_nsec - began.tv_nsec);
        printf("%" PRId64 " ", nanoseconds);
        for (size_t index = 0; index < sizeof tag; index++) {
            printf("%02x", tag[index]);
        }
        printf("\n");
        fflush(stdout);
    }
    return 0;
}
