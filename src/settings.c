/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the configuration: the files are parsed (settings_parse.c), which gives texts with their
 * places; then the settings outside of `listen` are taken from all files, then the listeners
 * (settings_listen.c), so that these can be checked against the plugins; last, plugins' targets are
 * written, so that an error changes none of them.
 */
#include "settings_private.h"

#include <string.h>

#include <apr_strings.h>

/* Where a plugin's setting waits until everything has been found right. */
typedef union config_shadow_t {
    bool boolean;
    apr_int64_t integer;
    const char *string;
    const char *const *list;
} config_shadow_t;

/* ---- From what was parsed to values ---- */

static bool take_row(config_reader_t *reader, cfg_opt_t *option, const config_row_t *row,
                     void *base)
{
    if (!config_is_given(option)) return true;
    unsigned count = cfg_opt_size(option);
    const char **texts = apr_palloc(reader->pool, (count + 1) * sizeof(*texts));
    for (unsigned i = 0; i < count; i++) {
        const config_value_t *value = config_value_at(option, i);
        const char *wrong = config_check(reader->pool, row, value->text);
        if (wrong != NULL) return config_refuse(reader, value, "%s: %s", row->name, wrong);
        texts[i] = value->text;
    }
    texts[count] = NULL;
    const char *wrong = count > 0 && row->check_list != NULL ? row->check_list(texts) : NULL;
    if (wrong != NULL)
        return config_refuse(reader, config_value_at(option, 0), "%s: %s", row->name, wrong);
    config_store(reader->pool, row, texts, (int)count, reader->parser.directory,
                 config_slot(row, base));
    return true;
}

bool config_take_rows(config_reader_t *reader, cfg_t *section, const config_row_t *rows, void *base)
{
    for (const config_row_t *row = rows; row != NULL && row->name != NULL; row++) {
        cfg_opt_t *option = config_option(section, row->name);
        if (option != NULL && !take_row(reader, option, row, base)) return false;
    }
    return true;
}

static bool take_group(config_reader_t *reader, cfg_t *file, const config_group_t *group,
                       void *base)
{
    cfg_t *section = group->name[0] == '\0' ? file : cfg_getsec(file, group->name);
    return config_take_rows(reader, section, group->rows, base);
}

static bool take_groups(config_reader_t *reader, cfg_t *file)
{
    for (const config_group_t *group = config_groups; group->name != NULL; group++) {
        if (!take_group(reader, file, group, reader->config)) return false;
    }
    for (int i = 0; i < reader->section_count; i++) {
        if (!take_group(reader, file, &reader->groups[i], reader->shadows[i])) return false;
    }
    return true;
}

/* ---- Plugins' targets ---- */

static void write_target(const salon_setting_t *setting, const config_shadow_t *shadow)
{
    switch (setting->type) {
    case SALON_SETTING_BOOLEAN: *(bool *)setting->target = shadow->boolean; break;
    case SALON_SETTING_INTEGER: *(apr_int64_t *)setting->target = shadow->integer; break;
    case SALON_SETTING_STRING: *(const char **)setting->target = shadow->string; break;
    case SALON_SETTING_LIST: *(const char *const **)setting->target = shadow->list; break;
    }
}

static void write_targets(const salon_setting_t *settings, const config_shadow_t *shadows)
{
    for (int i = 0; settings != NULL && settings[i].name != NULL; i++) {
        write_target(&settings[i], &shadows[i]);
    }
}

/* What config_commit will write. */
typedef struct config_pending_t {
    int count;
    const config_section_t *sections;
    config_shadow_t *const *shadows;
} config_pending_t;

static void pending_keep(config_reader_t *reader)
{
    config_pending_t *pending = apr_palloc(reader->pool, sizeof(*pending));
    *pending = (config_pending_t){ .count = reader->section_count,
                                   .sections = reader->sections,
                                   .shadows = reader->shadows };
    reader->config->pending = pending;
}

void config_commit(const config_t *config)
{
    const config_pending_t *pending = config->pending;
    for (int i = 0; pending != NULL && i < pending->count; i++)
        write_targets(pending->sections[i].settings, pending->shadows[i]);
}

/* ---- The beginning ---- */

static bool names_a_file(const salon_setting_t *setting)
{
    const char *end = strstr(setting->name, "_file");
    return setting->type == SALON_SETTING_STRING && end != NULL && end[5] == '\0';
}

/* The same row as the core's own, its value in the plugin's shadows. */
static config_row_t row_of(const salon_setting_t *setting, int index)
{
    static const char *const fallbacks[] = {
        [SALON_SETTING_BOOLEAN] = "false",
        [SALON_SETTING_INTEGER] = "0",
        [SALON_SETTING_STRING] = "",
        [SALON_SETTING_LIST] = "",
    };
    return (config_row_t){
        .name = setting->name,
        .type = setting->type,
        .offset = (size_t)index * sizeof(config_shadow_t),
        .fallback = setting->fallback != NULL ? setting->fallback : fallbacks[setting->type],
        .min = setting->min,
        .max = setting->max,
        .flags = names_a_file(setting) ? CONFIG_PATH : 0,
        .help = setting->help,
    };
}

static void add_plugin(config_reader_t *reader, int index)
{
    const config_section_t *section = &reader->sections[index];
    int count = 0;
    while (section->settings != NULL && section->settings[count].name != NULL) count++;
    config_row_t *rows = apr_pcalloc(reader->pool, ((size_t)count + 1) * sizeof(*rows));
    for (int i = 0; i < count; i++) rows[i] = row_of(&section->settings[i], i);
    reader->groups[index] = (config_group_t){ .name = section->name, .rows = rows };
    config_shadow_t *shadows = apr_pcalloc(reader->pool, ((size_t)count + 1) * sizeof(*shadows));
    config_store_fallbacks(reader->pool, rows, shadows);
    reader->shadows[index] = shadows;
}

static void add_plugins(config_reader_t *reader, const config_section_t *sections, int count)
{
    reader->sections = sections;
    reader->section_count = count;
    reader->groups = apr_pcalloc(reader->pool, ((size_t)count + 1) * sizeof(*reader->groups));
    reader->shadows = apr_pcalloc(reader->pool, ((size_t)count + 1) * sizeof(*reader->shadows));
    for (int i = 0; i < count; i++) add_plugin(reader, i);
}

static void begin(config_reader_t *reader, apr_pool_t *pool, const char *file)
{
    memset(reader, 0, sizeof(*reader));
    reader->pool = pool;
    config_parser_begin(&reader->parser, pool);
    reader->config = apr_pcalloc(pool, sizeof(*reader->config));
    reader->config->file = apr_pstrdup(pool, file);
    reader->listeners = apr_array_make(pool, 8, sizeof(void *));
    for (const config_group_t *group = config_groups; group->name != NULL; group++) {
        config_store_fallbacks(pool, group->rows, reader->config);
    }
}

static config_t *end(config_reader_t *reader, const char **error_r)
{
    *error_r = reader->parser.error;
    config_parser_end(&reader->parser);
    return *error_r == NULL ? reader->config : NULL;
}

static cfg_t *file_at(const config_reader_t *reader, int index)
{
    return APR_ARRAY_IDX(reader->parser.files, index, cfg_t *);
}

static const char *place_of(config_reader_t *reader, cfg_t *file, const char *name)
{
    cfg_opt_t *option = config_option(file, name);
    if (!config_is_given(option) || cfg_opt_size(option) == 0) return NULL;
    const config_value_t *value = config_value_at(option, 0);
    return apr_psprintf(reader->pool, "%s:%d", value->file, value->line);
}

/* Who loads the plugins says where one is named that cannot be, or else their directory. */
static void note_plugins(config_reader_t *reader, cfg_t *file)
{
    const char **at = &reader->config->plugins_at;
    const char *list = place_of(reader, file, "plugins");
    if (list != NULL) *at = list;
    else if (*at == NULL) *at = place_of(reader, file, "plugin_dir");
}

config_t *config_peek(apr_pool_t *pool, const char *file, const char **error_r)
{
    config_reader_t reader;
    begin(&reader, pool, file);
    add_plugins(&reader, NULL, 0);
    bool right = config_parse(&reader.parser, config_grammar(pool, reader.groups, 0), file, true);
    for (int i = 0; right && i < reader.parser.files->nelts; i++) {
        note_plugins(&reader, file_at(&reader, i));
        right = take_groups(&reader, file_at(&reader, i));
    }
    return end(&reader, error_r);
}

config_t *config_read(apr_pool_t *pool, const char *file, const config_section_t *sections,
                      int section_count, const char *const *dialects, const char **error_r)
{
    config_reader_t reader;
    begin(&reader, pool, file);
    reader.dialects = dialects;
    add_plugins(&reader, sections, section_count);

    cfg_opt_t *grammar = config_grammar(pool, reader.groups, section_count);
    bool right = config_parse(&reader.parser, grammar, file, false);
    int files = reader.parser.files->nelts;
    for (int i = 0; right && i < files; i++) right = take_groups(&reader, file_at(&reader, i));
    for (int i = 0; right && i < files; i++)
        right = config_take_listeners(&reader, file_at(&reader, i));
    if (right) {
        config_finish_listeners(&reader);
        pending_keep(&reader);
    }
    return end(&reader, error_r);
}
