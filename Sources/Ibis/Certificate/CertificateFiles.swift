import Foundation
import Glibc

/// The certificate and its key as they lie on disk, read together, so that what was checked is what is used.
struct CertificateFiles: Sendable, Hashable {
    let certificateFile: String
    let keyFile: String
    /// Nil: there is no such file, or this user may not read it.
    let certificate: Data?
    let key: Data?

    init(certificateFile: String, keyFile: String) {
        self.certificateFile = certificateFile
        self.keyFile = keyFile
        certificate = FileManager.default.contents(atPath: certificateFile)
        key = FileManager.default.contents(atPath: keyFile)
    }

    /// What changes when somebody writes a file or puts another in its place; links are followed, as tools for renewal
    /// put the newest file behind one.
    struct Stamp: Hashable, Sendable {
        private let parts: [[String]]

        init(_ paths: [String]) {
            parts = paths.map { path in
                let real = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
                guard let attributes = try? FileManager.default.attributesOfItem(atPath: real) else { return [real] }
                let date = attributes[.modificationDate] as? Date
                return [
                    real, "\(date?.timeIntervalSince1970 ?? 0)", "\(attributes[.size] ?? 0)",
                    "\(attributes[.systemFileNumber] ?? 0)",
                ]
            }
        }
    }

    var stamp: Stamp { Stamp([certificateFile, keyFile]) }
}
