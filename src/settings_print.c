/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration written out: as a file with every effective value (salond -T), and as a list of
 * what can be set.
 */
#include "settings_private.h"

#include <string.h>

/* libconfuse expands "${NAME}" in double quotes, so a dollar is escaped too. */
static void print_string(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (c < 0x20 || c == 0x7f) {
            fprintf(out, "\\x%02x", c);
        } else {
            if (strchr("\"\\$", c) != NULL) fputc('\\', out);
            fputc(c, out);
        }
    }
    fputc('"', out);
}

static void print_list(FILE *out, const char *const *list)
{
    fputs("{", out);
    for (int i = 0; list[i] != NULL; i++) {
        fputs(i == 0 ? " " : ", ", out);
        print_string(out, list[i]);
    }
    fputs(" }", out);
}

static void print_value(FILE *out, salon_setting_type_t type, const void *value)
{
    switch (type) {
    case SALON_SETTING_BOOLEAN:
        fputs(*(const bool *)value ? "true" : "false", out);
        break;
    case SALON_SETTING_INTEGER:
        fprintf(out, "%" APR_INT64_T_FMT, *(const apr_int64_t *)value);
        break;
    case SALON_SETTING_STRING:
        print_string(out, *(const char *const *)value);
        break;
    case SALON_SETTING_LIST:
        print_list(out, *(const char *const *const *)value);
        break;
    }
}

static void print_setting(FILE *out, int indent, const char *name, salon_setting_type_t type,
                          const void *value)
{
    fprintf(out, "%*s%s = ", indent, "", name);
    print_value(out, type, value);
    fputc('\n', out);
}

static void print_rows(FILE *out, int indent, const config_row_t *rows, const void *base)
{
    for (const config_row_t *row = rows; row->name != NULL; row++) {
        print_setting(out, indent, row->name, row->type, config_slot(row, base));
    }
}

static void print_title(FILE *out, int indent, const char *name, const char *title)
{
    fprintf(out, "%*s%s ", indent, "", name);
    print_string(out, title);
    fputs(" {\n", out);
}

static void print_listener(FILE *out, const config_listener_t *listener)
{
    fputc('\n', out);
    print_title(out, 0, "listen", listener->address);
    print_rows(out, 4, config_listen_rows, listener);
    for (int i = 0; i < listener->endpoint_count; i++) {
        print_title(out, 4, "endpoint", listener->endpoints[i].path);
        print_rows(out, 8, config_endpoint_rows, &listener->endpoints[i]);
        fputs("    }\n", out);
    }
    fputs("}\n", out);
}

static void print_section(FILE *out, const config_section_t *section)
{
    const salon_setting_t *setting = section->settings;
    if (setting == NULL || setting->name == NULL) return;
    fprintf(out, "\n%s {\n", section->name);
    for (; setting->name != NULL; setting++) {
        print_setting(out, 4, setting->name, setting->type, setting->target);
    }
    fputs("}\n", out);
}

void config_print(const config_t *config, const config_section_t *sections, int section_count,
                  FILE *out)
{
    print_rows(out, 0, config_groups[0].rows, config);
    for (const config_group_t *group = config_groups + 1; group->name != NULL; group++) {
        fprintf(out, "\n%s {\n", group->name);
        print_rows(out, 4, group->rows, config);
        fputs("}\n", out);
    }
    for (int i = 0; i < config->listener_count; i++) print_listener(out, &config->listeners[i]);
    for (int i = 0; i < section_count; i++) print_section(out, &sections[i]);
}

/* ---- The list ---- */

static void list_setting(FILE *out, const char *prefix, const char *name, salon_setting_type_t type,
                         const char *fallback, const char *help)
{
    fprintf(out, "%s%s%s\t%s\t%s\t%s\n", prefix, prefix[0] != '\0' ? "." : "", name,
            config_type_name(type), fallback != NULL ? fallback : "", help != NULL ? help : "");
}

static void list_rows(FILE *out, const char *prefix, const config_row_t *rows)
{
    for (const config_row_t *row = rows; row->name != NULL; row++) {
        list_setting(out, prefix, row->name, row->type, row->fallback, row->help);
    }
}

void config_list(const config_section_t *sections, int section_count, FILE *out)
{
    for (const config_group_t *group = config_groups; group->name != NULL; group++) {
        list_rows(out, group->name, group->rows);
    }
    list_rows(out, "listen", config_listen_rows);
    list_rows(out, "listen.endpoint", config_endpoint_rows);
    for (int i = 0; i < section_count; i++) {
        const salon_setting_t *setting = sections[i].settings;
        for (; setting != NULL && setting->name != NULL; setting++) {
            list_setting(out, sections[i].name, setting->name, setting->type, setting->fallback,
                         setting->help);
        }
    }
}
