/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzing the way from a message in the live dialect to calls: each is either a known operation
 * with an object of arguments, or a refusal; and one message makes one call.
 */
#include <assert.h>
#include <stdint.h>

#include "stand_in.h"
#include "wire.h"

static const wire_t *wire;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    stand_in_tables();
    wire = wire_find("live");
    return 0;
}

static void call_check(const call_t *call)
{
    assert(call->claims == NULL && !call->opening);
    assert(call->operation == NULL || !(call->operation->row->flags & SALON_INTERNAL));
    if (call->code != NULL) return;
    assert(call->row != NULL && call->operation != NULL && call->field == NULL);
    assert(json_object_is_type(call->arguments, json_type_object));
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
