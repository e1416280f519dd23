/** Model calls: the only way into a conversation for anything but a person's message. */
@NullMarked
package dev.skerry.controlplane.conversation;

import org.jspecify.annotations.NullMarked;
