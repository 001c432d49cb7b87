/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that come and go over HTTP, as the chat thread sees it; http_upload.c and http_file.c are
 * the network threads' part.
 */
#ifndef TRANSFER_H
#define TRANSFER_H

#include "http.h"
#include "salon/plugin.h"

/* Where bodies are kept while they come, below the state directory. */
#define TRANSFER_DIRECTORY "/uploads"

/* Before anybody is served: makes the directory, removes what was left there.  NULL: done;
 * otherwise what is wrong, in the pool. */
const char *transfer_init(apr_pool_t *pool, const char *state_dir);
/* The request's body is still to come. */
void transfer_expect(salon_req_t *req);
/* Handles an upload_end_t. */
void transfer_upload_ended(chat_note_t *note);

#endif
