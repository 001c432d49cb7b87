/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What export.h has written, into a database that has nothing in it yet, of whichever engine:
 * everything, in one transaction, or nothing but empty tables, which can be imported into again.
 */
#ifndef IMPORT_H
#define IMPORT_H

#include "export.h"

/* As export_all.  The tables are made as the export has them; a server that starts there takes the
 * later steps. */
const char *import_all(apr_pool_t *pool, db_t *db, const char *plugin_dir, lines_t *lines,
                       moved_t *moved_r);

#endif
