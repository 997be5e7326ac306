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
        return migrator
    }()
}
