/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What clients ask for over HTTP; all of it is somebody else's operation.  Where something is
 * deleted, POST does as well as DELETE.
 */
#include "routes.h"

#include "shapes.h"

/* ---- Fields ---- */

static const salon_wire_field_t open_fields[] = { { "other_user_id", "user_id" }, { NULL, NULL } };
static const salon_wire_field_t conversation_fields[] = {
    { "conversation_id", "conversation_id" },
    { NULL, NULL },
};
static const salon_wire_field_t send_fields[] = {
    { "conversation_id", "conversation_id" },
    { "content", "content" },
    { "media_ids", "media.ids" },
    { "client_id", "client_id" },
    { NULL, NULL },
};
static const salon_wire_field_t history_fields[] = {
    { "conversation_id", "conversation_id" },
    { "limit", "limit" },
    { "before", "before" },
    { NULL, NULL },
};
static const salon_wire_field_t limit_fields[] = { { "limit", "limit" }, { NULL, NULL } };
static const salon_wire_field_t message_fields[] = {
    { "message_id", "message_id" },
    { NULL, NULL },
};
static const salon_wire_field_t request_fields[] = {
    { "user_id", "user_id" },
    { "username", "username" },
    { NULL, NULL },
};
static const salon_wire_field_t user_fields[] = { { "user_id", "user_id" }, { NULL, NULL } };
static const salon_wire_field_t token_fields[] = {
    { "label", "label" },
    { "ttl", "ttl" },
    { NULL, NULL },
};
static const salon_wire_field_t token_id_fields[] = { { "id", "id" }, { NULL, NULL } };

/* ---- The table ---- */

const salon_wire_route_t messenger_routes[] = {
    { .method = "GET", .path = "/me", .operation = "user.self", .shape = messenger_self },

    { .method = "GET", .path = "/conversations", .operation = "dm.list", .fields = limit_fields,
      .shape = messenger_conversations },
    { .method = "POST", .path = "/create_conversation", .operation = "dm.open",
      .fields = open_fields, .shape = messenger_opened },
    { .method = "POST", .path = "/delete_conversation", .operation = "dm.delete",
      .fields = conversation_fields, .shape = messenger_conversation_deleted },
    { .method = "DELETE", .path = "/delete_conversation", .operation = "dm.delete",
      .fields = conversation_fields, .shape = messenger_conversation_deleted },
    { .method = "GET", .path = "/conversation/{conversation_id}", .operation = "dm.get",
      .fields = conversation_fields, .shape = messenger_conversation },
    { .method = "GET", .path = "/conversation/{conversation_id}/messages",
      .operation = "dm.history", .fields = history_fields, .shape = messenger_history },
    { .method = "POST", .path = "/conversation/send_message", .operation = "dm.send",
      .fields = send_fields, .shape = messenger_new_message_http },
    { .method = "POST", .path = "/conversation/delete_message", .operation = "message.delete",
      .fields = message_fields, .shape = messenger_deleted_message },
    { .method = "DELETE", .path = "/conversation/delete_message", .operation = "message.delete",
      .fields = message_fields, .shape = messenger_deleted_message },
    { .method = "POST", .path = "/conversation/mark_read", .operation = "dm.read",
      .fields = conversation_fields, .shape = messenger_messages_read },

    { .method = "GET", .path = "/me/friends", .operation = "friend.list",
      .shape = messenger_friends },
    { .method = "GET", .path = "/me/friend_requests", .operation = "friend.requests",
      .shape = messenger_friend_requests },
    { .method = "POST", .path = "/me/send_friend_request", .operation = "friend.request",
      .fields = request_fields, .shape = messenger_friendship },
    { .method = "POST", .path = "/me/accept_friend_request", .operation = "friend.accept",
      .fields = user_fields, .shape = messenger_accepted },
    { .method = "POST", .path = "/me/decline_friend_request", .operation = "friend.decline",
      .fields = user_fields, .shape = messenger_friendship },
    { .method = "POST", .path = "/me/remove_friend", .operation = "friend.remove",
      .fields = user_fields, .shape = messenger_friendship },
    { .method = "DELETE", .path = "/me/remove_friend", .operation = "friend.remove",
      .fields = user_fields, .shape = messenger_friendship },

    { .method = "GET", .path = "/me/api_tokens", .operation = "api_token.list",
      .shape = messenger_api_tokens },
    { .method = "POST", .path = "/me/api_tokens", .operation = "api_token.add",
      .fields = token_fields, .shape = messenger_api_token_made },
    { .method = "DELETE", .path = "/me/api_tokens/{id}", .operation = "api_token.revoke",
      .fields = token_id_fields, .shape = messenger_api_token },
    { .method = NULL },
};
