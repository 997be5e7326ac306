/// PEM files of a TLS server.
package struct CertificateFiles: Sendable, Hashable {
    /// The full chain, the server's own certificate first.
    package var chainFile: String
    package var keyFile: String

    package init(chainFile: String, keyFile: String) {
        self.chainFile = chainFile
        self.keyFile = keyFile
    }
}
