# SPDX-License-Identifier: Apache-2.0
#
# From rows of name=value, which "load --output" writes, an aligned table of medians.
#   mode     the rows to take: their first word
#   keys     names: rows with the same values belong together, and make one row of the table
#   columns  names: the median of each
#   order    the command that brings the table's rows into order, such as "cat"
#   cost     the name whose median the column "ratio" compares with that of the server `like`
#   like     its name (floor)

$1 == mode {
    split("", row)
    for (i = 2; i <= NF; i++) {
        at = index($i, "=")
        row[substr($i, 1, at - 1)] = substr($i, at + 1)
    }
    group = key_of(row["server"])
    if (!(group in runs)) {
        groups[++group_count] = group
        alike[group] = key_of(like)
    }
    n = ++runs[group]
    for (name in row)
        values[group, name, n] = row[name]
}

# The row's group, were it that server's.
function key_of(server,    i, key) {
    for (i = 1; i <= key_count; i++)
        key = key " " (key_name[i] == "server" ? server : row[key_name[i]])
    return key
}

# The middle one, as it was written; of an even number, the lower of the two in the middle.
function median(group, name,    n, i, j, swap, sorted) {
    n = runs[group]
    for (i = 1; i <= n; i++) {
        sorted[i] = values[group, name, i]
        for (j = i; j > 1 && sorted[j] + 0 < sorted[j - 1] + 0; j--) {
            swap = sorted[j]
            sorted[j] = sorted[j - 1]
            sorted[j - 1] = swap
        }
    }
    return sorted[int((n + 1) / 2)]
}

function cell(group, name,    reference) {
    if (name != "ratio")
        return shown(median(group, name))
    reference = alike[group] in runs ? median(alike[group], cost) : 0
    return reference > 0 ? sprintf("%.2f", median(group, cost) / reference) : "-"
}

function shown(value) {
    return value == "" || value ~ /nan|inf/ ? "-" : value
}

function key_width(i) {
    return (length(key_name[i]) > 6 ? length(key_name[i]) : 6) + 2
}

function column_width(i) {
    return (length(column_name[i]) > 7 ? length(column_name[i]) : 7) + 2
}

function line(group,    i, text, key_value) {
    split(group, key_value, " ")
    for (i = 1; i <= key_count; i++)
        text = text sprintf("%-*s", key_width(i), key_value[i])
    for (i = 1; i <= column_count; i++)
        text = text sprintf("%*s", column_width(i), cell(group, column_name[i]))
    return text
}

BEGIN {
    if (like == "")
        like = "floor"
    key_count = split(keys, key_name, " ")
    column_count = split(columns, column_name, " ")
}

END {
    for (i = 1; i <= key_count; i++)
        printf "%-*s", key_width(i), key_name[i]
    for (i = 1; i <= column_count; i++)
        printf "%*s", column_width(i), column_name[i]
    print ""
    fflush()
    for (g = 1; g <= group_count; g++)
        print line(groups[g]) | order
    close(order)
    if (group_count == 0)
        print "(nothing was measured)"
}
