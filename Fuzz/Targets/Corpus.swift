import Foundation

/// Inputs that are kept: one file each, in a folder for each target.
public enum Corpus {
    /// Where they lie, seen from the package's folder.
    public static let folder = "Fuzz/Corpus"

    /// All inputs of a target in the order of their names.
    ///
    /// - Throws: when the folder cannot be read.
    public static func load(_ target: FuzzTarget, from folder: String = folder) throws -> [[UInt8]] {
        let place = URL(fileURLWithPath: folder).appendingPathComponent(target.rawValue)
        guard let files = try? FileManager.default.contentsOfDirectory(at: place, includingPropertiesForKeys: nil)
        else { throw CorpusError(folder: place.path) }
        return try files.sorted { $0.lastPathComponent < $1.lastPathComponent }.map { Array(try Data(contentsOf: $0)) }
    }
}

/// The inputs of a target cannot be read.
public struct CorpusError: Error, CustomStringConvertible {
    public var folder: String

    public var description: String {
        "there are no inputs in \(folder): start in the folder of the package, or name the inputs with --corpus"
    }
}
