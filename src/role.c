/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names of the roles, one table for tokens, the database and plugins.
 */
#include <string.h>

#include "salon/plugin.h"

static const char *const names[] = {
    [SALON_ROLE_USER] = "user",
    [SALON_ROLE_MODERATOR] = "moderator",
    [SALON_ROLE_ADMIN] = "admin",
    [SALON_ROLE_SUPERUSER] = "superuser",
};

const char *salon_role_name(salon_role_t role)
{
    return names[role];
}

bool salon_role_parse(const char *name, salon_role_t *role_r)
{
    for (int i = SALON_ROLE_USER; i <= SALON_ROLE_SUPERUSER; i++) {
        if (strcmp(names[i], name) == 0) {
            *role_r = (salon_role_t)i;
            return true;
        }
    }
    return false;
}
