/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>

#include "key-codes.h"
#include "string-util.h"

/* What the codesets of keyboards call the same key: facts of keyboards, kernels and systems. */

#define NO (-1)

typedef struct Key {
        int qnum, linux_code, atset2, atset3, usb, os_x, win32; /* NO: that set does not have it */
        const char *linux_name, *os_x_name, *win32_name;             /* NULL: nothing */
} Key;

static const Key keys[] = {
        { 0x1, 1, 0x76, 0x8, 41, 0x35, 0x1b, "KEY_ESC", "Escape", "VK_ESCAPE" },
        { 0x2, 2, 0x16, 0x16, 30, 0x12, 0x31, "KEY_1", "ANSI_1", "VK_1" },
        { 0x3, 3, 0x1e, 0x1e, 31, 0x13, 0x32, "KEY_2", "ANSI_2", "VK_2" },
        { 0x4, 4, 0x26, 0x26, 32, 0x14, 0x33, "KEY_3", "ANSI_3", "VK_3" },
        { 0x5, 5, 0x25, 0x25, 33, 0x15, 0x34, "KEY_4", "ANSI_4", "VK_4" },
        { 0x6, 6, 0x2e, 0x2e, 34, 0x17, 0x35, "KEY_5", "ANSI_5", "VK_5" },
        { 0x7, 7, 0x36, 0x36, 35, 0x16, 0x36, "KEY_6", "ANSI_6", "VK_6" },
        { 0x8, 8, 0x3d, 0x3d, 36, 0x1a, 0x37, "KEY_7", "ANSI_7", "VK_7" },
        { 0x9, 9, 0x3e, 0x3e, 37, 0x1c, 0x38, "KEY_8", "ANSI_8", "VK_8" },
        { 0xa, 10, 0x46, 0x46, 38, 0x19, 0x39, "KEY_9", "ANSI_9", "VK_9" },
        { 0xb, 11, 0x45, 0x45, 39, 0x1d, 0x30, "KEY_0", "ANSI_0", "VK_0" },
        { 0xc, 12, 0x4e, 0x4e, 45, 0x1b, 0xbd, "KEY_MINUS", "ANSI_Minus", "VK_OEM_MINUS" },
        { 0xd, 13, 0x55, 0x55, 46, 0x18, 0xbb, "KEY_EQUAL", "ANSI_Equal", "VK_OEM_PLUS" },
        { 0xe, 14, 0x66, 0x66, 42, 0x33, 0x8, "KEY_BACKSPACE", NULL, "VK_BACK" },
        { 0xf, 15, 0xd, 0xd, 43, 0x30, 0x9, "KEY_TAB", "Tab", "VK_TAB" },
        { 0x10, 16, 0x15, 0x15, 20, 0xc, 0x51, "KEY_Q", "ANSI_Q", "VK_Q" },
        { 0x11, 17, 0x1d, 0x1d, 26, 0xd, 0x57, "KEY_W", "ANSI_W", "VK_W" },
        { 0x12, 18, 0x24, 0x24, 8, 0xe, 0x45, "KEY_E", "ANSI_E", "VK_E" },
        { 0x13, 19, 0x2d, 0x2d, 21, 0xf, 0x52, "KEY_R", "ANSI_R", "VK_R" },
        { 0x14, 20, 0x2c, 0x2c, 23, 0x11, 0x54, "KEY_T", "ANSI_T", "VK_T" },
        { 0x15, 21, 0x35, 0x35, 28, 0x10, 0x59, "KEY_Y", "ANSI_Y", "VK_Y" },
        { 0x16, 22, 0x3c, 0x3c, 24, 0x20, 0x55, "KEY_U", "ANSI_U", "VK_U" },
        { 0x17, 23, 0x43, 0x43, 12, 0x22, 0x49, "KEY_I", "ANSI_I", "VK_I" },
        { 0x18, 24, 0x44, 0x44, 18, 0x1f, 0x4f, "KEY_O", "ANSI_O", "VK_O" },
        { 0x19, 25, 0x4d, 0x4d, 19, 0x23, 0x50, "KEY_P", "ANSI_P", "VK_P" },
        { 0x1a, 26, 0x54, 0x54, 47, 0x21, 0xdb, "KEY_LEFTBRACE", "ANSI_LeftBracket", "VK_OEM_4" },
        { 0x1b, 27, 0x5b, 0x5b, 48, 0x1e, 0xdd, "KEY_RIGHTBRACE", "ANSI_RightBracket", "VK_OEM_6" },
        { 0x1c, 28, 0x5a, 0x5a, 40, 0x24, 0xd, "KEY_ENTER", "Return", "VK_RETURN" },
        { 0x1d, 29, 0x14, 0x11, 224, 0x3b, 0x11, "KEY_LEFTCTRL", NULL, "VK_CONTROL" },
        { 0x1e, 30, 0x1c, 0x1c, 4, 0x0, 0x41, "KEY_A", "ANSI_A", "VK_A" },
        { 0x1f, 31, 0x1b, 0x1b, 22, 0x1, 0x53, "KEY_S", "ANSI_S", "VK_S" },
        { 0x20, 32, 0x23, 0x23, 7, 0x2, 0x44, "KEY_D", "ANSI_D", "VK_D" },
        { 0x21, 33, 0x2b, 0x2b, 9, 0x3, 0x46, "KEY_F", "ANSI_F", "VK_F" },
        { 0x22, 34, 0x34, 0x34, 10, 0x5, 0x47, "KEY_G", "ANSI_G", "VK_G" },
        { 0x23, 35, 0x33, 0x33, 11, 0x4, 0x48, "KEY_H", "ANSI_H", "VK_H" },
        { 0x24, 36, 0x3b, 0x3b, 13, 0x26, 0x4a, "KEY_J", "ANSI_J", "VK_J" },
        { 0x25, 37, 0x42, 0x42, 14, 0x28, 0x4b, "KEY_K", "ANSI_K", "VK_K" },
        { 0x26, 38, 0x4b, 0x4b, 15, 0x25, 0x4c, "KEY_L", "ANSI_L", "VK_L" },
        { 0x27, 39, 0x4c, 0x4c, 51, 0x29, 0xba, "KEY_SEMICOLON", "ANSI_Semicolon", "VK_OEM_1" },
        { 0x28, 40, 0x52, 0x52, 52, 0x27, 0xde, "KEY_APOSTROPHE", "ANSI_Quote", "VK_OEM_7" },
        { 0x29, 41, 0xe, 0xe, 53, 0x32, 0xc0, "KEY_GRAVE", "ANSI_Grave", "VK_OEM_3" },
        { 0x2a, 42, 0x12, 0x12, 225, 0x38, 0xa0, "KEY_LEFTSHIFT", NULL, "VK_LSHIFT" },
        { 0x2b, 43, 0x5d, 0x5c, 50, 0x2a, 0xdc, "KEY_BACKSLASH", "ANSI_Backslash", "VK_OEM_5" },
        { 0x2c, 44, 0x1a, 0x1a, 29, 0x6, 0x5a, "KEY_Z", "ANSI_Z", "VK_Z" },
        { 0x2d, 45, 0x22, 0x22, 27, 0x7, 0x58, "KEY_X", "ANSI_X", "VK_X" },
        { 0x2e, 46, 0x21, 0x21, 6, 0x8, 0x43, "KEY_C", "ANSI_C", "VK_C" },
        { 0x2f, 47, 0x2a, 0x2a, 25, 0x9, 0x56, "KEY_V", "ANSI_V", "VK_V" },
        { 0x30, 48, 0x32, 0x32, 5, 0xb, 0x42, "KEY_B", "ANSI_B", "VK_B" },
        { 0x31, 49, 0x31, 0x31, 17, 0x2d, 0x4e, "KEY_N", "ANSI_N", "VK_N" },
        { 0x32, 50, 0x3a, 0x3a, 16, 0x2e, 0x4d, "KEY_M", "ANSI_M", "VK_M" },
        { 0x33, 51, 0x41, 0x41, 54, 0x2b, 0xbc, "KEY_COMMA", "ANSI_Comma", "VK_OEM_COMMA" },
        { 0x34, 52, 0x49, 0x49, 55, 0x2f, 0xbe, "KEY_DOT", "ANSI_Period", "VK_OEM_PERIOD" },
        { 0x35, 53, 0x4a, 0x4a, 56, 0x2c, 0xbf, "KEY_SLASH", "ANSI_Slash", "VK_OEM_2" },
        { 0x36, 54, 0x59, 0x59, 229, 0x3c, 0xa1, "KEY_RIGHTSHIFT", "RightShift", "VK_RSHIFT" },
        { 0x37, 55, 0x7c, 0x7e, 85, 0x43, 0x6a, "KEY_KPASTERISK", "ANSI_KeypadMultiply", "VK_MULTIPLY" },
        { 0x38, 56, 0x11, 0x19, 226, 0x3a, 0x12, "KEY_LEFTALT", NULL, "VK_MENU" },
        { 0x39, 57, 0x29, 0x29, 44, 0x31, 0x20, "KEY_SPACE", NULL, "VK_SPACE" },
        { 0x3a, 58, 0x58, 0x14, 57, 0x39, 0x14, "KEY_CAPSLOCK", "CapsLock", "VK_CAPITAL" },
        { 0x3b, 59, 0x5, 0x7, 58, 0x7a, 0x70, "KEY_F1", NULL, "VK_F1" },
        { 0x3c, 60, 0x6, 0xf, 59, 0x78, 0x71, "KEY_F2", "F2", "VK_F2" },
        { 0x3d, 61, 0x4, 0x17, 60, 0x63, 0x72, "KEY_F3", "F3", "VK_F3" },
        { 0x3e, 62, 0xc, 0x1f, 61, 0x76, 0x73, "KEY_F4", "F4", "VK_F4" },
        { 0x3f, 63, 0x3, 0x27, 62, 0x60, 0x74, "KEY_F5", "F5", "VK_F5" },
        { 0x40, 64, 0xb, 0x2f, 63, 0x61, 0x75, "KEY_F6", "F6", "VK_F6" },
        { 0x41, 65, 0x83, 0x37, 64, 0x62, 0x76, "KEY_F7", "F7", "VK_F7" },
        { 0x42, 66, 0xa, 0x3f, 65, 0x64, 0x77, "KEY_F8", "F8", "VK_F8" },
        { 0x43, 67, 0x1, 0x47, 66, 0x65, 0x78, "KEY_F9", NULL, "VK_F9" },
        { 0x44, 68, 0x9, 0x4f, 67, 0x6d, 0x79, "KEY_F10", NULL, "VK_F10" },
        { 0x45, 69, 0x77, 0x76, 83, 0x47, 0x90, "KEY_NUMLOCK", "ANSI_KeypadClear", "VK_NUMLOCK" },
        { 0x46, 70, 0x7e, 0x5f, 71, NO, 0x91, "KEY_SCROLLLOCK", NULL, "VK_SCROLL" },
        { 0x47, 71, 0x6c, 0x6c, 95, 0x59, 0x67, "KEY_KP7", "ANSI_Keypad7", "VK_NUMPAD7" },
        { 0x48, 72, 0x75, 0x75, 96, 0x5b, 0x68, "KEY_KP8", "ANSI_Keypad8", "VK_NUMPAD8" },
        { 0x49, 73, 0x7d, 0x7d, 97, 0x5c, 0x69, "KEY_KP9", "ANSI_Keypad9", "VK_NUMPAD9" },
        { 0x4a, 74, 0x7b, NO, 86, 0x4e, 0x6d, "KEY_KPMINUS", "ANSI_KeypadMinus", "VK_SUBTRACT" },
        { 0x4b, 75, 0x6b, 0x6b, 92, 0x56, 0x64, "KEY_KP4", "ANSI_Keypad4", "VK_NUMPAD4" },
        { 0x4c, 76, 0x73, 0x73, 93, 0x57, 0x65, "KEY_KP5", "ANSI_Keypad5", "VK_NUMPAD5" },
        { 0x4d, 77, 0x74, 0x74, 94, 0x58, 0x66, "KEY_KP6", "ANSI_Keypad6", "VK_NUMPAD6" },
        { 0x4e, 78, 0x79, 0x7c, 87, 0x45, 0x6b, "KEY_KPPLUS", "ANSI_KeypadPlus", "VK_ADD" },
        { 0x4f, 79, 0x69, 0x69, 89, 0x53, 0x61, "KEY_KP1", "ANSI_Keypad1", "VK_NUMPAD1" },
        { 0x50, 80, 0x72, 0x72, 90, 0x54, 0x62, "KEY_KP2", "ANSI_Keypad2", "VK_NUMPAD2" },
        { 0x51, 81, 0x7a, 0x7a, 91, 0x55, 0x63, "KEY_KP3", "ANSI_Keypad3", "VK_NUMPAD3" },
        { 0x52, 82, 0x70, 0x70, 98, 0x52, 0x60, "KEY_KP0", "ANSI_Keypad0", "VK_NUMPAD0" },
        { 0x53, 83, 0x71, 0x71, 99, 0x41, 0x6e, "KEY_KPDOT", "ANSI_KeypadDecimal", "VK_DECIMAL" },
        { 0x54, 84, 0x7f, 0x57, 70, NO, 0x2c, NULL, NULL, "VK_SNAPSHOT" },
        { 0x54, 99, NO, NO, NO, NO, NO, "KEY_SYSRQ", NULL, NULL },
        { 0x55, 186, NO, 0x82, 107, 0x6a, 0x7f, "KEY_F16", NULL, "VK_F16" },
        { 0x56, 86, 0x61, 0x13, 100, NO, 0xe2, "KEY_102ND", NULL, "VK_OEM_102" },
        { 0x57, 87, 0x78, 0x56, 68, 0x67, 0x7a, "KEY_F11", NULL, "VK_F11" },
        { 0x58, 88, 0x7, 0x5e, 69, 0x6f, 0x7b, "KEY_F12", NULL, "VK_F12" },
        { 0x59, 117, 0xf, NO, 103, 0x51, NO, "KEY_KPEQUAL", "ANSI_KeypadEquals", NULL },
        { 0x5a, 190, NO, NO, 111, 0x5a, 0x83, "KEY_F20", NULL, "VK_F20" },
        { 0x5b, 101, NO, NO, NO, NO, NO, "KEY_LINEFEED", NULL, NULL },
        { 0x5c, 95, 0x27, NO, 140, 0x5f, NO, "KEY_KPJPCOMMA", "JIS_KeypadComma", NULL },
        { 0x5d, 183, 0x2f, 0x7f, 104, 0x69, 0x7c, "KEY_F13", NULL, "VK_F13" },
        { 0x5e, 184, 0x37, 0x80, 105, 0x6b, 0x7d, "KEY_F14", NULL, "VK_F14" },
        { 0x5f, 185, 0x3f, 0x81, 106, 0x71, 0x7e, "KEY_F15", NULL, "VK_F15" },
        { 0x63, 169, NO, NO, NO, NO, NO, "KEY_PHONE", NULL, NULL },
        { 0x64, 134, NO, 0x20, 116, NO, NO, "KEY_OPEN", NULL, NULL },
        { 0x65, 135, NO, 0x28, 125, NO, NO, "KEY_PASTE", NULL, NULL },
        { 0x66, 141, NO, NO, NO, NO, NO, "KEY_SETUP", NULL, NULL },
        { 0x67, 144, NO, NO, NO, NO, NO, "KEY_FILE", NULL, NULL },
        { 0x68, 145, NO, NO, NO, NO, NO, "KEY_SENDFILE", NULL, NULL },
        { 0x69, 146, NO, NO, NO, NO, NO, "KEY_DELETEFILE", NULL, NULL },
        { 0x6a, 151, NO, NO, NO, NO, NO, "KEY_MSDOS", NULL, NULL },
        { 0x6b, 153, NO, NO, NO, NO, NO, "KEY_DIRECTION", NULL, NULL },
        { 0x6c, 161, NO, NO, 236, NO, NO, "KEY_EJECTCD", NULL, NULL },
        { 0x6d, 193, NO, NO, 114, NO, 0x86, "KEY_F23", NULL, "VK_F23" },
        { 0x6f, 194, NO, NO, 115, NO, 0x87, "KEY_F24", NULL, "VK_F24" },
        { 0x70, 93, 0x13, NO, 136, NO, 0xf2, "KEY_KATAKANAHIRAGANA", NULL, "VK_OEM_COPY" },
        { 0x71, 123, NO, NO, 145, 0x66, 0x1a, "KEY_HANJA", "JIS_Eisu", "VK_IME_OFF" },
        { 0x72, 122, NO, NO, 144, 0x68, 0x16, "KEY_HANGEUL", "JIS_Kana", "VK_IME_ON" },
        { 0x73, 89, 0x51, NO, 135, 0x5e, NO, "KEY_RO", "JIS_Underscore", NULL },
        { 0x74, 191, NO, NO, 112, NO, 0x84, "KEY_F21", NULL, "VK_F21" },
        { 0x75, 177, NO, NO, 245, NO, NO, "KEY_SCROLLUP", NULL, NULL },
        { 0x76, 85, 0x5f, NO, 148, NO, NO, "KEY_ZENKAKUHANKAKU", NULL, NULL },
        { 0x77, 91, 0x62, 0x87, 147, NO, NO, "KEY_HIRAGANA", NULL, NULL },
        { 0x78, 90, 0x63, NO, 146, NO, 0x15, "KEY_KATAKANA", NULL, "VK_KANA" },
        { 0x79, 92, 0x64, 0x86, 138, NO, 0x1c, "KEY_HENKAN", NULL, "VK_CONVERT" },
        { 0x7b, 94, 0x67, 0x85, 139, NO, 0x1d, "KEY_MUHENKAN", NULL, "VK_NONCONVERT" },
        { 0x7d, 124, 0x6a, 0x5d, 137, 0x5d, NO, "KEY_YEN", "JIS_Yen", NULL },
        { 0x7e, 121, 0x6d, NO, 133, NO, 0x6c, "KEY_KPCOMMA", NULL, "VK_SEPARATOR??" },
        { 0x81, 171, NO, NO, NO, NO, NO, "KEY_CONFIG", NULL, NULL },
        { 0x82, 150, NO, NO, 240, NO, NO, "KEY_WWW", NULL, NULL },
        { 0x83, 187, NO, 0x83, 108, 0x40, 0x80, "KEY_F17", NULL, "VK_F17" },
        { 0x84, 189, NO, NO, 110, 0x50, 0x82, "KEY_F19", NULL, "VK_F19" },
        { 0x85, 129, NO, 0xb, 121, NO, NO, "KEY_AGAIN", NULL, NULL },
        { 0x86, 130, NO, 0xc, NO, NO, NO, "KEY_PROPS", NULL, NULL },
        { 0x87, 131, NO, 0x10, 122, NO, NO, "KEY_UNDO", NULL, NULL },
        { 0x88, 176, NO, NO, 247, NO, NO, "KEY_EDIT", NULL, NULL },
        { 0x89, 181, NO, NO, NO, NO, NO, "KEY_NEW", NULL, NULL },
        { 0x8a, 182, NO, NO, NO, NO, NO, "KEY_REDO", NULL, NULL },
        { 0x8b, 120, NO, NO, NO, NO, NO, "KEY_SCALE", NULL, NULL },
        { 0x8c, 132, NO, NO, 119, NO, NO, "KEY_FRONT", NULL, NULL },
        { 0x8e, 233, NO, NO, NO, NO, NO, "KEY_FORWARDMAIL", NULL, NULL },
        { 0x8f, 178, NO, NO, 246, NO, NO, "KEY_SCROLLDOWN", NULL, NULL },
        { 0x90, 165, 0xe015, 0x94, 234, NO, 0xb1, "KEY_PREVIOUSSONG", NULL, "VK_MEDIA_PREV_TRACK" },
        { 0x92, 152, NO, 0x96, 249, NO, NO, "KEY_SCREENLOCK", NULL, NULL },
        { 0x93, 147, NO, 0xa2, NO, NO, NO, "KEY_XFER", NULL, NULL },
        { 0x94, 222, NO, NO, NO, NO, NO, "KEY_ALTERASE", NULL, NULL },
        { 0x95, 195, NO, NO, NO, NO, NO, NULL, NULL, NULL },
        { 0x96, 196, NO, NO, NO, NO, NO, NULL, NULL, NULL },
        { 0x97, 149, NO, 0xa1, NO, NO, NO, "KEY_PROG2", NULL, NULL },
        { 0x98, 168, NO, 0x9f, NO, NO, NO, "KEY_REWIND", NULL, NULL },
        { 0x99, 163, 0xe04d, 0x93, 235, NO, 0xb0, "KEY_NEXTSONG", NULL, "VK_MEDIA_NEXT_TRACK" },
        { 0x9a, 197, NO, NO, NO, NO, NO, NULL, NULL, NULL },
        { 0x9b, 198, NO, NO, NO, NO, NO, NULL, NULL, NULL },
        { 0x9c, 96, 0xe05a, 0x79, 88, 0x4c, NO, "KEY_KPENTER", "ANSI_KeypadEnter", NULL },
        { 0x9d, 97, 0xe014, 0x58, 228, 0x3e, 0xa3, "KEY_RIGHTCTRL", "RightControl", "VK_RCONTROL" },
        { 0x9e, 139, NO, 0x91, 118, NO, NO, "KEY_MENU", NULL, NULL },
        { 0x9f, 148, NO, 0xa0, NO, NO, NO, "KEY_PROG1", NULL, NULL },
        { 0xa0, 113, 0xe023, 0x9c, 239, 0x4a, 0xad, "KEY_MUTE", "Mute", "VK_VOLUME_MUTE" },
        { 0xa1, 140, 0xe02b, 0xa3, 251, NO, NO, "KEY_CALC", NULL, NULL },
        { 0xa2, 164, 0xe034, NO, 232, NO, 0xb3, "KEY_PLAYPAUSE", NULL, "VK_MEDIA_PLAY_PAUSE" },
        { 0xa3, 160, NO, 0x9a, NO, NO, NO, "KEY_CLOSECD", NULL, NULL },
        { 0xa4, 166, 0xe03b, 0x98, 233, NO, 0xb2, "KEY_STOPCD", NULL, "VK_MEDIA_STOP" },
        { 0xa5, 205, NO, NO, NO, NO, NO, "KEY_SUSPEND", NULL, NULL },
        { 0xa6, 154, NO, 0x9b, NO, NO, NO, "KEY_CYCLEWINDOWS", NULL, NULL },
        { 0xa7, 199, NO, NO, NO, NO, NO, NULL, NULL, NULL },
        { 0xa8, 200, NO, NO, NO, NO, NO, "KEY_PLAYCD", NULL, NULL },
        { 0xa9, 201, NO, NO, NO, NO, NO, "KEY_PAUSECD", NULL, NULL },
        { 0xab, 202, NO, NO, NO, NO, NO, "KEY_PROG3", NULL, NULL },
        { 0xac, 203, NO, NO, NO, NO, NO, "KEY_PROG4", NULL, NULL },
        { 0xad, 204, NO, NO, NO, NO, NO, "KEY_DASHBOARD", NULL, NULL },
        { 0xae, 114, 0xe021, 0x9d, 238, 0x49, 0xae, "KEY_VOLUMEDOWN", "VolumeDown", "VK_VOLUME_DOWN" },
        { 0xaf, 206, NO, NO, NO, NO, NO, "KEY_CLOSE", NULL, NULL },
        { 0xb0, 115, 0xe032, 0x95, 237, 0x48, 0xaf, "KEY_VOLUMEUP", "VolumeUp", "VK_VOLUME_UP" },
        { 0xb1, 167, NO, 0x9e, NO, NO, NO, "KEY_RECORD", NULL, NULL },
        { 0xb2, 172, 0xe03a, 0x97, NO, NO, 0xac, "KEY_HOMEPAGE", NULL, "VK_BROWSER_HOME" },
        { 0xb3, 207, NO, NO, NO, NO, 0xfa, "KEY_PLAY", NULL, "VK_PLAY" },
        { 0xb4, 208, NO, NO, NO, NO, NO, "KEY_FASTFORWARD", NULL, NULL },
        { 0xb5, 98, 0xe04a, NO, 84, 0x4b, 0x6f, "KEY_KPSLASH", "ANSI_KeypadDivide", "VK_DIVIDE" },
        { 0xb6, 209, NO, NO, NO, NO, NO, "KEY_BASSBOOST", NULL, NULL },
        { 0xb8, 100, 0xe011, 0x39, 230, 0x3d, 0xa5, "KEY_RIGHTALT", "RightOption", "VK_RMENU" },
        { 0xb9, 210, NO, NO, NO, NO, 0x2a, "KEY_PRINT", NULL, "VK_PRINT" },
        { 0xba, 211, NO, NO, NO, NO, NO, "KEY_HP", NULL, NULL },
        { 0xbb, 212, NO, NO, NO, NO, NO, "KEY_CAMERA", NULL, NULL },
        { 0xbc, 137, NO, 0x38, 123, NO, NO, "KEY_CUT", NULL, NULL },
        { 0xbd, 213, NO, NO, NO, NO, NO, "KEY_SOUND", NULL, NULL },
        { 0xbe, 214, NO, NO, NO, NO, NO, "KEY_QUESTION", NULL, NULL },
        { 0xbf, 215, NO, NO, NO, NO, 0xb4, "KEY_EMAIL", NULL, "VK_LAUNCH_MAIL" },
        { 0xc0, 216, NO, NO, NO, NO, NO, "KEY_CHAT", NULL, NULL },
        { 0xc1, 136, NO, 0x30, 244, NO, NO, "KEY_FIND", NULL, NULL },
        { 0xc2, 218, NO, NO, NO, NO, NO, "KEY_CONNECT", NULL, NULL },
        { 0xc3, 219, NO, NO, NO, NO, NO, "KEY_FINANCE", NULL, NULL },
        { 0xc4, 220, NO, NO, NO, NO, NO, "KEY_SPORT", NULL, NULL },
        { 0xc5, 221, NO, NO, NO, NO, NO, "KEY_SHOP", NULL, NULL },
        { 0xc6, 119, 0xe077, 0x62, 72, NO, 0x13, "KEY_PAUSE", NULL, "VK_PAUSE" },
        { 0xc7, 102, 0xe06c, 0x6e, 74, 0x73, 0x24, "KEY_HOME", "Home", "VK_HOME" },
        { 0xc8, 103, 0xe075, 0x63, 82, 0x7e, 0x26, "KEY_UP", "UpArrow", "VK_UP" },
        { 0xc9, 104, 0xe07d, 0x6f, 75, 0x74, 0x21, "KEY_PAGEUP", "PageUp", "VK_PRIOR" },
        { 0xca, 223, NO, NO, NO, NO, NO, "KEY_CANCEL", NULL, NULL },
        { 0xcb, 105, 0xe06b, 0x61, 80, 0x7b, 0x25, "KEY_LEFT", "LeftArrow", "VK_LEFT" },
        { 0xcc, 224, NO, NO, NO, NO, NO, "KEY_BRIGHTNESSDOWN", NULL, NULL },
        { 0xcd, 106, 0xe074, 0x6a, 79, 0x7c, 0x27, "KEY_RIGHT", "RightArrow", "VK_RIGHT" },
        { 0xce, 118, 0xe079, NO, NO, NO, NO, "KEY_KPPLUSMINUS", NULL, NULL },
        { 0xcf, 107, 0xe069, 0x65, 77, 0x77, 0x23, "KEY_END", "End", "VK_END" },
        { 0xd0, 108, 0xe072, 0x60, 81, 0x7d, 0x28, "KEY_DOWN", "DownArrow", "VK_DOWN" },
        { 0xd1, 109, 0xe07a, 0x6d, 78, 0x79, 0x22, "KEY_PAGEDOWN", "PageDown", "VK_NEXT" },
        { 0xd2, 110, 0xe070, 0x67, 73, NO, 0x2d, "KEY_INSERT", NULL, "VK_INSERT" },
        { 0xd3, 111, 0xe071, 0x64, 76, 0x75, 0x2e, "KEY_DELETE", "ForwardDelete", "VK_DELETE" },
        { 0xd4, 225, NO, NO, NO, NO, NO, "KEY_BRIGHTNESSUP", NULL, NULL },
        { 0xd5, 234, NO, NO, NO, NO, NO, "KEY_SAVE", NULL, NULL },
        { 0xd6, 227, NO, NO, NO, NO, NO, "KEY_SWITCHVIDEOMODE", NULL, NULL },
        { 0xd7, 228, NO, NO, NO, NO, NO, "KEY_KBDILLUMTOGGLE", NULL, NULL },
        { 0xd8, 229, NO, NO, NO, NO, NO, "KEY_KBDILLUMDOWN", NULL, NULL },
        { 0xd9, 230, NO, NO, NO, NO, NO, "KEY_KBDILLUMUP", NULL, NULL },
        { 0xda, 231, NO, NO, NO, NO, NO, "KEY_SEND", NULL, NULL },
        { 0xdb, 125, 0xe01f, 0x8b, 227, 0x37, 0x5b, "KEY_LEFTMETA", NULL, "VK_LWIN" },
        { 0xdc, 126, 0xe027, 0x8c, 231, 0x36, 0x5c, "KEY_RIGHTMETA", "RightCommand", "VK_RWIN" },
        { 0xdd, 127, 0xe02f, 0x8d, 101, 0x6e, 0x5d, "KEY_COMPOSE", NULL, "VK_APPS" },
        { 0xde, 116, 0xe037, NO, 102, NO, NO, "KEY_POWER", NULL, NULL },
        { 0xdf, 142, 0xe03f, NO, 248, NO, 0x5f, "KEY_SLEEP", NULL, "VK_SLEEP" },
        { 0xe3, 143, 0xe05e, NO, NO, NO, NO, "KEY_WAKEUP", NULL, NULL },
        { 0xe4, 232, NO, NO, NO, NO, NO, "KEY_REPLY", NULL, NULL },
        { 0xe5, 217, 0xe010, NO, NO, NO, 0xaa, "KEY_SEARCH", NULL, "VK_BROWSER_SEARCH" },
        { 0xe6, 156, 0xe018, NO, NO, NO, NO, "KEY_BOOKMARKS", NULL, NULL },
        { 0xe7, 173, 0xe020, NO, 250, NO, 0xa8, "KEY_REFRESH", NULL, "VK_BROWSER_REFRESH" },
        { 0xe8, 128, 0xe028, 0xa, 243, NO, 0xa9, "KEY_STOP", NULL, "VK_BROWSER_STOP" },
        { 0xe9, 159, 0xe030, NO, 242, NO, 0xa7, "KEY_FORWARD", NULL, "VK_BROWSER_FORWARD" },
        { 0xea, 158, 0xe038, NO, 241, NO, 0xa6, "KEY_BACK", NULL, "VK_BROWSER_BACK" },
        { 0xeb, 157, 0xe040, NO, NO, NO, NO, "KEY_COMPUTER", NULL, NULL },
        { 0xec, 155, 0xe048, NO, NO, NO, NO, "KEY_MAIL", NULL, NULL },
        { 0xed, 226, 0xe050, NO, NO, NO, NO, "KEY_MEDIA", NULL, NULL },
        { 0xef, 112, 0xe06f, 0x8e, NO, NO, NO, "KEY_MACRO", NULL, NULL },
        { 0xf0, 235, NO, NO, NO, NO, NO, "KEY_DOCUMENTS", NULL, NULL },
        { 0xf1, 236, NO, NO, NO, NO, NO, "KEY_BATTERY", NULL, NULL },
        { 0xf2, 237, NO, NO, NO, NO, NO, "KEY_BLUETOOTH", NULL, NULL },
        { 0xf3, 238, NO, NO, NO, NO, NO, "KEY_WLAN", NULL, NULL },
        { 0xf4, 239, NO, NO, NO, NO, NO, "KEY_UWB", NULL, NULL },
        { 0xf5, 138, NO, 0x9, 117, 0x72, 0x2f, "KEY_HELP", "Help", "VK_HELP" },
        { 0xf6, 179, NO, NO, 182, NO, NO, "KEY_KPLEFTPAREN", NULL, NULL },
        { 0xf7, 188, NO, NO, 109, 0x4f, 0x81, "KEY_F18", NULL, "VK_F18" },
        { 0xf8, 133, NO, 0x18, 124, NO, NO, "KEY_COPY", NULL, NULL },
        { 0xf9, 192, NO, NO, 113, NO, 0x85, "KEY_F22", NULL, "VK_F22" },
        { 0xfb, 180, NO, NO, 183, NO, NO, "KEY_KPRIGHTPAREN", NULL, NULL },
        { 0xfd, 162, NO, NO, NO, NO, NO, "KEY_EJECTCLOSECD", NULL, NULL },
};

static const char *const key_codeset_words[_CODESET_MAX] = {
        [CODESET_LINUX] = "linux",   [CODESET_XT] = "xt",     [CODESET_ATSET1] = "atset1", [CODESET_ATSET2] = "atset2",
        [CODESET_ATSET3] = "atset3", [CODESET_OS_X] = "os_x", [CODESET_XT_KBD] = "xt_kbd", [CODESET_USB] = "usb",
        [CODESET_WIN32] = "win32",   [CODESET_QNUM] = "qnum",
};
DEFINE_STRING_TABLE(key_codeset, KeyCodeset)

int key_codeset_find(const char *word) {
        return streq(word, "rfb") ? CODESET_QNUM : key_codeset_from_string(word);
}

/* Scan codes behind 0xe0 are the same codes with a mark. */
static int marked(const Key *k, int mark) {
        return k->qnum & 0x80 ? mark | (k->qnum & 0x7f) : k->qnum;
}

static int code_in(const Key *k, KeyCodeset set) {
        switch (set) {
        case CODESET_LINUX:
                return k->linux_code;
        case CODESET_XT:
        case CODESET_ATSET1:
                return marked(k, 0xe000);
        case CODESET_XT_KBD:
                return marked(k, 0x100);
        case CODESET_ATSET2:
                return k->atset2;
        case CODESET_ATSET3:
                return k->atset3;
        case CODESET_USB:
                return k->usb;
        case CODESET_OS_X:
                return k->os_x;
        case CODESET_WIN32:
                return k->win32;
        default:
                return k->qnum;
        }
}

static const char *name_in(const Key *k, KeyCodeset set) {
        return set == CODESET_LINUX ? k->linux_name : set == CODESET_OS_X ? k->os_x_name : set == CODESET_WIN32 ? k->win32_name : NULL;
}

int key_code(KeyCodeset set, const char *key, unsigned *ret) {
        char *end;

        FOREACH_ARRAY(k, keys, ELEMENTSOF(keys)) {
                const char *name = name_in(k, set);
                if (name && streq(name, key)) {
                        *ret = (unsigned) code_in(k, set);
                        return 0;
                }
        }
        errno = 0;
        long v = strtol(key, &end, 0);
        if (!*key || *end || errno != 0 || v < 0 || v > 0xffff)
                return -EINVAL;
        *ret = (unsigned) v;
        return 0;
}

int key_code_to_qnum(KeyCodeset set, unsigned code) {
        if (set == CODESET_QNUM)
                return (int) code;
        FOREACH_ARRAY(k, keys, ELEMENTSOF(keys))
                if (code_in(k, set) == (int) code)
                        return k->qnum;
        /* No key, in any of them. */
        return code == 0 ? 0 : -ENOENT;
}
