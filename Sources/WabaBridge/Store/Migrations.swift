internal import GRDB

/// Every change of the tables, in order. A migration that was released is never edited.
enum Migrations {
    static let migrator: DatabaseMigrator = {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 numbers and peers") { db in
            try db.execute(
                sql: """
                    CREATE TABLE peer (
                        name TEXT PRIMARY KEY NOT NULL,
                        host TEXT NOT NULL,
                        port INTEGER NOT NULL CHECK (port BETWEEN 1 AND 65535),
                        transport TEXT NOT NULL CHECK (transport IN ('udp', 'tcp', 'tls')),
                        secureMedia INTEGER NOT NULL DEFAULT 0,
                        ringSeconds INTEGER NOT NULL DEFAULT 45,
                        tlsName TEXT,
                        tlsAuthority TEXT
                    ) STRICT, WITHOUT ROWID;
                    CREATE TABLE number (
                        number TEXT PRIMARY KEY NOT NULL,
                        peer TEXT REFERENCES peer (name) ON UPDATE CASCADE ON DELETE RESTRICT,
                        extension TEXT,
                        application TEXT,
                        CHECK ((peer IS NULL) <> (application IS NULL)),
                        CHECK (extension IS NULL OR peer IS NOT NULL)
                    ) STRICT, WITHOUT ROWID;
                    CREATE INDEX number_peer ON number (peer);
                    """)
        }
        migrator.registerMigration("2 digest and host name of numbers") { db in
            try db.execute(
                sql: """
                    ALTER TABLE number ADD COLUMN password BLOB;
                    ALTER TABLE number ADD COLUMN challenge INTEGER NOT NULL DEFAULT 0;
                    ALTER TABLE number ADD COLUMN domain TEXT;
                    """)
        }
        // Foreign keys are checked when a migration is over.
        migrator.registerMigration("3 several peers") { db in
            try db.execute(
                sql: """
                    CREATE TABLE newPeer (
                        name TEXT PRIMARY KEY NOT NULL,
                        host TEXT NOT NULL,
                        port INTEGER CHECK (port BETWEEN 1 AND 65535),
                        transport TEXT NOT NULL CHECK (transport IN ('udp', 'tcp', 'tls')),
                        secureMedia INTEGER NOT NULL DEFAULT 0,
                        ringSeconds INTEGER NOT NULL DEFAULT 45,
                        tlsName TEXT,
                        tlsAuthority TEXT,
                        qualifySeconds INTEGER DEFAULT 30,
                        maxCalls INTEGER,
                        maxCallsPerSecond INTEGER,
                        sources TEXT NOT NULL DEFAULT '',
                        identifyBy TEXT NOT NULL DEFAULT 'address' CHECK (identifyBy IN ('address', 'digest')),
                        user TEXT,
                        password BLOB,
                        realm TEXT NOT NULL DEFAULT 'asterisk'
                    ) STRICT, WITHOUT ROWID;
                    INSERT INTO newPeer (
                        name, host, port, transport, secureMedia, ringSeconds, tlsName, tlsAuthority)
                        SELECT name, host, port, transport, secureMedia, ringSeconds, tlsName, tlsAuthority FROM peer;
                    CREATE TABLE newNumber (
                        number TEXT PRIMARY KEY NOT NULL,
                        spread TEXT CHECK (spread IN ('order', 'weight', 'hash')),
                        extension TEXT,
                        application TEXT,
                        password BLOB,
                        challenge INTEGER NOT NULL DEFAULT 0,
                        domain TEXT,
                        CHECK ((spread IS NULL) <> (application IS NULL)),
                        CHECK (extension IS NULL OR spread IS NOT NULL)
                    ) STRICT, WITHOUT ROWID;
                    INSERT INTO newNumber (number, spread, extension, application, password, challenge, domain)
                        SELECT number, CASE WHEN peer IS NULL THEN NULL ELSE 'order' END, extension, application,
                            password, challenge, domain FROM number;
                    CREATE TABLE numberPeer (
                        number TEXT NOT NULL REFERENCES number (number) ON UPDATE CASCADE ON DELETE CASCADE,
                        position INTEGER NOT NULL,
                        peer TEXT NOT NULL REFERENCES peer (name) ON UPDATE CASCADE ON DELETE RESTRICT,
                        weight INTEGER NOT NULL DEFAULT 1 CHECK (weight BETWEEN 1 AND 1000),
                        PRIMARY KEY (number, position),
                        UNIQUE (number, peer)
                    ) STRICT, WITHOUT ROWID;
                    CREATE INDEX numberPeer_peer ON numberPeer (peer);
                    INSERT INTO numberPeer (number, position, peer)
                        SELECT number, 0, peer FROM number WHERE peer IS NOT NULL;
                    DROP TABLE number;
                    DROP TABLE peer;
                    ALTER TABLE newPeer RENAME TO peer;
                    ALTER TABLE newNumber RENAME TO number;
                    """)
        }
        return migrator
    }()
}
