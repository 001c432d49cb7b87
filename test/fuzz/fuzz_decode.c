/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzing the way from a message to calls, in every dialect: each call is either a known operation
 * with an object of arguments, or a refusal; and one message makes no more of them than a batch may
 * hold.
 */
#include <assert.h>
#include <stdint.h>

#include "stand_in.h"
#include "wire.h"

#define BATCH_MOST 100

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    stand_in_tables();
    assert(wire_count() > 0);
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

/* An empty batch asks for nothing. */
static void decode(const wire_t *wire, const uint8_t *data, size_t size)
{
    call_t *call = wire_decode(wire, (const char *)data, size);
    int count = 0;
    for (; call != NULL; count++) {
        call_t *next = call->next;
        call_check(call);
        call_free(&call);
        call = next;
    }
    assert(count <= BATCH_MOST);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (int i = 0; i < wire_count(); i++) decode(wire_at(i), data, size);
    return 0;
}
