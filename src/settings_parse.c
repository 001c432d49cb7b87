/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of the configuration, parsed by libconfuse with a grammar made from the tables.
 * libconfuse only records what stands where: its own types are not used (its integers take "010"
 * for 8, and fail on an old errno), nor its defaults (an option that is not given stays empty, so
 * that another file's value can stay).  Relies on being called by one thread at a time.
 */
#include "settings_private.h"

#include <stdlib.h>
#include <string.h>

#include <apr_file_info.h>
#include <apr_strings.h>

/* Nobody can write this name, since libconfuse takes it apart at the bar.  The option has a
 * default, which libconfuse parses when it opens a section: so we learn where that begins. */
#define OPENED "opened|"

/* libconfuse's callbacks have no argument of ours. */
static config_parser_t *current;

void config_parser_begin(config_parser_t *parser, apr_pool_t *pool)
{
    memset(parser, 0, sizeof(*parser));
    parser->pool = pool;
    parser->files = apr_array_make(pool, 8, sizeof(cfg_t *));
}

/* The first cfg_free also puts libconfuse's lexer back to its beginning. */
void config_parser_end(config_parser_t *parser)
{
    for (int i = 0; i < parser->files->nelts; i++) {
        cfg_free(APR_ARRAY_IDX(parser->files, i, cfg_t *));
    }
    apr_array_clear(parser->files);
}

bool config_fail(config_parser_t *parser, const char *file, int line, const char *format, ...)
{
    if (parser->error != NULL) return false;
    va_list arguments;
    va_start(arguments, format);
    const char *text = apr_pvsprintf(parser->pool, format, arguments);
    va_end(arguments);
    parser->error = apr_psprintf(parser->pool, "%s:%d: %s", file, line, text);
    return false;
}

/* ---- Callbacks ---- */

static void record_error(cfg_t *cfg, const char *format, va_list arguments)
{
    const char *text = apr_pvsprintf(current->pool, format, arguments);
    bool unknown = strncmp(format, "no such option", 14) == 0;
    bool outside = strcmp(cfg->name, "root") == 0; /* so libconfuse calls what is in no section */
    config_fail(current, current->file, cfg->line, "%s%s", text,
                unknown && outside ? ", and no plugin of that name is loaded" : "");
}

/* Titles are made different, or libconfuse would put a section in the place of an earlier one with
 * the same title. */
static void make_title_unique(cfg_t *cfg)
{
    static unsigned count;
    size_t size = strlen(cfg->title) + 16;
    char *title = malloc(size);
    if (title == NULL) abort();
    apr_snprintf(title, size, "%s\n%u", cfg->title, ++count);
    free(cfg->title);
    cfg->title = title;
}

static int record(cfg_t *cfg, cfg_opt_t *option, const char *text, void *result)
{
    config_value_t *value = apr_palloc(current->pool, sizeof(*value));
    bool opened = strcmp(option->name, OPENED) == 0;
    value->text = apr_pstrdup(current->pool, opened ? cfg->title : text);
    value->file = current->file;
    value->line = cfg->line;
    if (opened) make_title_unique(cfg);
    *(config_value_t **)result = value;
    return 0;
}

/* ---- The grammar ---- */

/* Options for the rows, and zeroed space for `more`, which the caller fills, from *next_r on. */
static cfg_opt_t *make_options(apr_pool_t *pool, const config_row_t *rows, int more,
                               cfg_opt_t **next_r)
{
    int count = 0;
    while (rows[count].name != NULL) count++;
    cfg_opt_t *options = apr_pcalloc(pool, (size_t)(count + more + 1) * sizeof(*options));
    for (int i = 0; i < count; i++) {
        cfg_opt_t plain = CFG_PTR_CB(rows[i].name, NULL, CFGF_NODEFAULT, record, NULL);
        options[i] = plain;
        if (rows[i].type == SALON_SETTING_LIST) options[i].flags |= CFGF_LIST;
    }
    *next_r = options + count;
    return options;
}

static cfg_opt_t *make_titled_options(apr_pool_t *pool, const config_row_t *rows,
                                      cfg_opt_t **next_r)
{
    cfg_opt_t *options = make_options(pool, rows, 2, next_r);
    cfg_opt_t opened = CFG_PTR_CB(OPENED, NULL, CFGF_NONE, record, NULL);
    opened.def.parsed = (char *)"x";
    *(*next_r)++ = opened;
    return options;
}

static void add_section(cfg_opt_t **next, const char *name, cfg_opt_t *options, cfg_flag_t flags)
{
    cfg_opt_t section = CFG_SEC(name, options, flags);
    *(*next)++ = section;
}

cfg_opt_t *config_grammar(apr_pool_t *pool, const config_group_t *plugins, int count)
{
    cfg_opt_t *next, *end;
    cfg_opt_t *endpoint = make_titled_options(pool, config_endpoint_rows, &end);
    cfg_opt_t *listen = make_titled_options(pool, config_listen_rows, &end);
    add_section(&end, "endpoint", endpoint, CFGF_MULTI | CFGF_TITLE);

    int groups = 0;
    while (config_groups[groups].name != NULL) groups++;
    cfg_opt_t *root = make_options(pool, config_groups[0].rows, groups + count, &next);
    add_section(&next, "listen", listen, CFGF_MULTI | CFGF_TITLE);
    for (const config_group_t *group = config_groups + 1; group->name != NULL; group++) {
        add_section(&next, group->name, make_options(pool, group->rows, 0, &end), CFGF_NONE);
    }
    for (int i = 0; i < count; i++) {
        add_section(&next, plugins[i].name, make_options(pool, plugins[i].rows, 0, &end),
                    CFGF_NONE);
    }
    return root;
}

/* ---- Files ---- */

static bool parse_file(config_parser_t *parser, cfg_opt_t *grammar, const char *file, bool peek)
{
    char *text = config_text_read(parser->pool, file, &parser->error);
    if (text == NULL) return false;
    if (peek) config_text_blank_sections(text, config_groups);
    cfg_t *cfg = cfg_init(grammar, peek ? CFGF_IGNORE_UNKNOWN : CFGF_NONE);
    if (cfg == NULL) abort();
    APR_ARRAY_PUSH(parser->files, cfg_t *) = cfg;
    cfg_set_error_function(cfg, record_error);
    parser->file = file;
    current = parser;
    bool right = cfg_parse_buf(cfg, text) == CFG_SUCCESS;
    current = NULL;
    return right || config_fail(parser, file, cfg->line, "cannot be understood");
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool is_snippet(const char *name)
{
    size_t length = strlen(name);
    return name[0] != '.' && length > 5 && strcmp(name + length - 5, ".conf") == 0;
}

/* Adds the files in the directory, where there is one, in alphabetical order. */
static bool add_snippets(config_parser_t *parser, const char *directory, apr_array_header_t *files)
{
    apr_dir_t *dir;
    apr_status_t rv = apr_dir_open(&dir, directory, parser->pool);
    if (APR_STATUS_IS_ENOENT(rv)) return true;
    if (rv != APR_SUCCESS) {
        char reason[128];
        parser->error = apr_psprintf(parser->pool, "%s: cannot be read: %s", directory,
                                     apr_strerror(rv, reason, sizeof(reason)));
        return false;
    }
    apr_finfo_t entry;
    int first = files->nelts;
    while (apr_dir_read(&entry, APR_FINFO_NAME, dir) == APR_SUCCESS) {
        if (!is_snippet(entry.name)) continue;
        APR_ARRAY_PUSH(files, const char *) = apr_pstrcat(parser->pool, directory, "/", entry.name,
                                                          NULL);
    }
    apr_dir_close(dir);
    qsort((const char **)(void *)files->elts + first, (size_t)(files->nelts - first),
          sizeof(const char *), compare_names);
    return true;
}

/* With its slash, as it is written; "" for a file in the working directory. */
static const char *directory_of(apr_pool_t *pool, const char *file)
{
    const char *slash = strrchr(file, '/');
    return slash != NULL ? apr_pstrmemdup(pool, file, (size_t)(slash + 1 - file)) : "";
}

static const char *absolute(apr_pool_t *pool, const char *directory)
{
    char *real = realpath(directory[0] != '\0' ? directory : ".", NULL);
    const char *copy = apr_pstrdup(pool, real != NULL ? real : directory);
    free(real);
    return copy;
}

bool config_parse(config_parser_t *parser, cfg_opt_t *grammar, const char *file, bool peek)
{
    if (file == NULL) return true;
    apr_array_header_t *files = apr_array_make(parser->pool, 8, sizeof(const char *));
    const char *directory = directory_of(parser->pool, file);
    parser->directory = absolute(parser->pool, directory);
    APR_ARRAY_PUSH(files, const char *) = file;
    const char *snippets = apr_pstrcat(parser->pool, directory, "conf.d", NULL);
    if (!add_snippets(parser, snippets, files)) return false;
    for (int i = 0; i < files->nelts; i++) {
        if (!parse_file(parser, grammar, APR_ARRAY_IDX(files, i, const char *), peek)) return false;
    }
    return true;
}

/* ---- What was parsed ---- */

cfg_opt_t *config_option(cfg_t *section, const char *name)
{
    for (cfg_opt_t *option = section->opts; option->name != NULL; option++) {
        if (strcmp(option->name, name) == 0) return option;
    }
    return NULL;
}

const config_value_t *config_value_at(cfg_opt_t *option, unsigned index)
{
    return cfg_opt_getnptr(option, index);
}

bool config_is_given(cfg_opt_t *option)
{
    return cfg_opt_size(option) > 0 || (option->flags & CFGF_MODIFIED) != 0;
}

const config_value_t *config_opened_at(cfg_t *section)
{
    return config_value_at(config_option(section, OPENED), 0);
}
