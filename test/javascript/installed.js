// SPDX-License-Identifier: Apache-2.0
//
// Modules as they are installed: where Node looks for them, or where Debian puts them.  Without one
// the test is skipped.

'use strict';

exports.load = (name) => {
    for (const place of [name, `/usr/share/nodejs/${name}`]) {
        try {
            return require(place);
        } catch (error) {
            if (error.code !== 'MODULE_NOT_FOUND') throw error;
        }
    }
    console.error(`no module ${name}`);
    process.exit(77);
};
