/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What introspection's resolvers ask of a run.
 */
#ifndef LIVE_GRAPHQL_EXECUTE_H
#define LIVE_GRAPHQL_EXECUTE_H

#include "graphql.h"

const graphql_schema_t *graphql_schema(const graphql_run_t *run);

#endif
