/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzing the way from a message in the veza dialect to calls: each is either a known operation
 * with an object of arguments, or a refusal; and one message makes one call.
 */
#include <assert.h>
#include <stdint.h>

#include <apr_general.h>

#include "operation.h"
#include "plugin.h"
#include "wire.h"

extern const salon_plugin_t rooms_plugin, veza_plugin;

static const wire_t *wire;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static const salon_plugin_t *const plugins[] = { &core_plugin, &rooms_plugin, &veza_plugin };
    apr_pool_t *pool;
    (void)argc, (void)argv;
    apr_initialize();
    apr_pool_create(&pool, NULL);
    plugin_init(pool);
    operation_init(pool);
    wire_init(pool);
    for (size_t i = 0; i < sizeof(plugins) / sizeof(plugins[0]); i++) {
        const char *wrong = plugin_register(plugins[i]);
        assert(wrong == NULL);
    }
    wire_resolve();
    wire = wire_find("veza");
    return 0;
}

static void call_check(const call_t *call)
{
    if (call->code == NULL) {
        assert(call->row != NULL && call->operation != NULL && call->field == NULL);
        assert(json_object_is_type(call->arguments, json_type_object));
        assert(!(call->operation->row->flags & SALON_INTERNAL));
    } else {
        assert(call->operation == NULL);
    }
    assert(call->claims == NULL && !call->opening);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    call_t *call = wire_decode(wire, (const char *)data, size);
    assert(call != NULL && call->next == NULL);
    call_check(call);
    call_free(&call);
    assert(call == NULL);
    return 0;
}
