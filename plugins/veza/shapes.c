/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The data of everything that is sent to Veza clients: from the canonical objects of answers and
 * events.
 */
#include "shapes.h"

#define END { NULL, NULL, SALON_COPY, NULL }

const salon_shape_t veza_auth_success[] = {
    { "user_id", "user_id", SALON_COPY, NULL },
    { "username", "username", SALON_COPY, NULL },
    { "role", "role", SALON_COPY, NULL },
    { "session_id", "session_id", SALON_COPY, NULL },
    { "server_time", "server_time", SALON_TIME, NULL },
    END,
};

const salon_shape_t veza_pong[] = {
    { "timestamp", "timestamp", SALON_COPY, NULL },
    { "server_time", "server_time", SALON_TIME, NULL },
    END,
};

const salon_shape_t veza_room_joined[] = {
    { "room_id", "room.id", SALON_COPY, NULL },
    { "room_name", "room.name", SALON_COPY, NULL },
    { "member_count", "member_count", SALON_COPY, NULL },
    { "user_role", "role", SALON_COPY, NULL },
    { "is_public", "room.is_public", SALON_COPY, NULL },
    { "last_message_id", "last_message_id", SALON_COPY, NULL },
    END,
};

const salon_shape_t veza_room_left[] = {
    { "room_id", "room.id", SALON_COPY, NULL },
    END,
};

const salon_shape_t veza_message_sent[] = {
    { "message_id", "message.id", SALON_COPY, NULL },
    { "room_id", "room.id", SALON_COPY, NULL },
    { "author_id", "message.author_id", SALON_COPY, NULL },
    { "username", "message.author_name", SALON_COPY, NULL },
    { "content", "message.content", SALON_COPY, NULL },
    { "parent_id", "message.parent_id", SALON_COPY, NULL },
    { "thread_count", "message.reply_count", SALON_COPY, NULL },
    { "is_pinned", "message.pinned", SALON_COPY, NULL },
    { "created_at", "message.created_at", SALON_TIME, NULL },
    { "reactions", "message.reactions", SALON_OR_LIST, NULL },
    { "mentions", "message.mentions", SALON_OR_LIST, NULL },
    END,
};

const salon_shape_t veza_room_message[] = {
    { "message_id", "message.id", SALON_COPY, NULL },
    { "room_id", "room.id", SALON_COPY, NULL },
    { "room_name", "room.name", SALON_COPY, NULL },
    { "author_id", "message.author_id", SALON_COPY, NULL },
    { "username", "message.author_name", SALON_COPY, NULL },
    { "content", "message.content", SALON_COPY, NULL },
    { "parent_id", "message.parent_id", SALON_COPY, NULL },
    { "thread_count", "message.reply_count", SALON_COPY, NULL },
    { "is_pinned", "message.pinned", SALON_COPY, NULL },
    { "is_edited", "message.edited_at", SALON_PRESENT, NULL },
    { "created_at", "message.created_at", SALON_TIME, NULL },
    { "reactions", "message.reactions", SALON_OR_LIST, NULL },
    { "mention_count", "message.mentions", SALON_COUNT, NULL },
    END,
};

static const salon_shape_t history_message[] = {
    { "id", "id", SALON_COPY, NULL },
    { "author_id", "author_id", SALON_COPY, NULL },
    { "username", "author_name", SALON_COPY, NULL },
    { "content", "content", SALON_COPY, NULL },
    { "parent_id", "parent_id", SALON_COPY, NULL },
    { "thread_count", "reply_count", SALON_COPY, NULL },
    { "is_pinned", "pinned", SALON_COPY, NULL },
    { "is_edited", "edited_at", SALON_PRESENT, NULL },
    { "created_at", "created_at", SALON_TIME, NULL },
    { "reactions", "reactions", SALON_OR_LIST, NULL },
    { "mention_count", "mentions", SALON_COUNT, NULL },
    END,
};

const salon_shape_t veza_room_history[] = {
    { "room_id", "room.id", SALON_COPY, NULL },
    { "messages", "messages", SALON_EACH, history_message },
    { "has_more", "has_more", SALON_COPY, NULL },
    { "total_count", "total", SALON_COPY, NULL },
    END,
};

const salon_shape_t veza_room_stats[] = {
    { "room_id", "room.id", SALON_COPY, NULL },
    { "room_name", "room.name", SALON_COPY, NULL },
    { "member_count", "member_count", SALON_COPY, NULL },
    { "online_count", "online_count", SALON_COPY, NULL },
    { "message_count", "message_count", SALON_COPY, NULL },
    { "messages_last_24h", "messages_last_24h", SALON_COPY, NULL },
    { "top_contributors", "top_contributors", SALON_COPY, NULL },
    { "created_at", "created_at", SALON_TIME, NULL },
    { "last_message_at", "last_message_at", SALON_TIME, NULL },
    END,
};

const salon_shape_t veza_message_pinned[] = {
    { "room_id", "room.id", SALON_COPY, NULL },
    { "message_id", "message_id", SALON_COPY, NULL },
    { "is_pinned", "pinned", SALON_COPY, NULL },
    { "user_id", "user_id", SALON_COPY, NULL },
    { "username", "username", SALON_COPY, NULL },
    { "timestamp", "at", SALON_TIME, NULL },
    END,
};

/* ---- Direct messages ---- */

const salon_shape_t veza_dm_created[] = {
    { "conversation_id", "conversation.id", SALON_COPY, NULL },
    { "user1_id", "conversation.user1_id", SALON_COPY, NULL },
    { "user2_id", "conversation.user2_id", SALON_COPY, NULL },
    { "is_blocked", "conversation.is_blocked", SALON_COPY, NULL },
    { "created_at", "conversation.created_at", SALON_TIME, NULL },
    END,
};

const salon_shape_t veza_dm_message[] = {
    { "message_id", "message.id", SALON_COPY, NULL },
    { "conversation_id", "conversation.id", SALON_COPY, NULL },
    { "author_id", "message.author_id", SALON_COPY, NULL },
    { "username", "message.author_name", SALON_COPY, NULL },
    { "content", "message.content", SALON_COPY, NULL },
    { "parent_id", "message.parent_id", SALON_COPY, NULL },
    { "thread_count", "message.reply_count", SALON_COPY, NULL },
    { "is_pinned", "message.pinned", SALON_COPY, NULL },
    { "is_edited", "message.edited_at", SALON_PRESENT, NULL },
    { "created_at", "message.created_at", SALON_TIME, NULL },
    END,
};

const salon_shape_t veza_dm_history[] = {
    { "conversation_id", "conversation.id", SALON_COPY, NULL },
    { "messages", "messages", SALON_EACH, history_message },
    { "has_more", "has_more", SALON_COPY, NULL },
    { "total_count", "total", SALON_COPY, NULL },
    END,
};

const salon_shape_t veza_dm_blocked[] = {
    { "conversation_id", "conversation.id", SALON_COPY, NULL },
    { "is_blocked", "is_blocked", SALON_COPY, NULL },
    { "blocked_by", "blocked_by", SALON_COPY, NULL },
    END,
};

static const salon_shape_t other_user[] = {
    { "user_id", "user_id", SALON_COPY, NULL },
    { "username", "username", SALON_COPY, NULL },
    { "is_online", "is_online", SALON_COPY, NULL },
    { "last_seen", "last_seen", SALON_TIME, NULL },
    END,
};

static const salon_shape_t last_message[] = {
    { "content", "content", SALON_COPY, NULL },
    { "author_id", "author_id", SALON_COPY, NULL },
    { "created_at", "created_at", SALON_TIME, NULL },
    END,
};

static const salon_shape_t dm_listed[] = {
    { "conversation_id", "conversation.id", SALON_COPY, NULL },
    { "other_user", "other", SALON_INNER, other_user },
    { "last_message", "last_message", SALON_INNER, last_message },
    { "unread_count", "unread_count", SALON_COPY, NULL },
    { "is_blocked", "conversation.is_blocked", SALON_COPY, NULL },
    END,
};

const salon_shape_t veza_dm_list[] = {
    { "conversations", "conversations", SALON_EACH, dm_listed },
    END,
};

/* ---- Reactions, presence, audit ---- */

const salon_shape_t veza_reaction[] = {
    { "message_id", "message_id", SALON_COPY, NULL },
    { "user_id", "user_id", SALON_COPY, NULL },
    { "username", "username", SALON_COPY, NULL },
    { "emoji", "value", SALON_COPY, NULL },
    { "timestamp", "at", SALON_TIME, NULL },
    END,
};

const salon_shape_t veza_message_reactions[] = {
    { "message_id", "message_id", SALON_COPY, NULL },
    { "total_reactions", "total", SALON_COPY, NULL }, /* counted in veza.c */
    { "reactions", "reactions", SALON_OR_LIST, NULL },
    END,
};

const salon_shape_t veza_user_presence[] = {
    { "user_id", "user_id", SALON_COPY, NULL },
    { "username", "username", SALON_COPY, NULL },
    { "status", "status", SALON_COPY, NULL },
    { "message", "message", SALON_COPY, NULL },
    { "last_seen", "last_seen", SALON_TIME, NULL },
    { "current_room", "room", SALON_COPY, NULL },
    END,
};

static const salon_shape_t audit_log[] = {
    { "id", "id", SALON_COPY, NULL },
    { "action", "action", SALON_COPY, NULL },
    { "actor_id", "actor_id", SALON_COPY, NULL },
    { "actor_username", "actor_username", SALON_COPY, NULL },
    { "target_user_id", "target_user_id", SALON_COPY, NULL },
    { "message_id", "message_id", SALON_COPY, NULL },
    { "details", "details", SALON_COPY, NULL },
    { "created_at", "created_at", SALON_TIME, NULL },
    END,
};

const salon_shape_t veza_audit_logs[] = {
    { "room_id", "room.id", SALON_COPY, NULL },
    { "logs", "logs", SALON_EACH, audit_log },
    END,
};
