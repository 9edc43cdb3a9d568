/* A plugin for QEMU that counts the instructions of a program and writes their number to standard error. The
 * declarations are those of QEMU's qemu-plugin.h, version 1, which Debian does not ship. */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

typedef uint64_t plugin;
struct block;

extern void qemu_plugin_register_vcpu_tb_trans_cb(plugin, void (*)(plugin, struct block *));
extern size_t qemu_plugin_tb_n_insns(const struct block *);
extern void qemu_plugin_register_vcpu_tb_exec_inline(struct block *, int operation, void *, uint64_t);
extern void qemu_plugin_register_atexit_cb(plugin, void (*)(plugin, void *), void *);

int qemu_plugin_version = 1;

static uint64_t count;

static void translated(plugin id, struct block *block) {
    (void)id;
    /* Operation 0 adds the last argument each time the block runs. */
    qemu_plugin_register_vcpu_tb_exec_inline(block, 0, &count, qemu_plugin_tb_n_insns(block));
}

static void ended(plugin id, void *unused) {
    (void)id;
    (void)unused;
    fprintf(stderr, "%" PRIu64 "\n", count);
}

int qemu_plugin_install(plugin id, const void *info, int argc, char **argv) {
    (void)info;
    (void)argc;
    (void)argv;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_atexit_cb(id, ended, NULL);
    return 0;
}
