import Foundation

/// What a child tells its parent while it runs and when it is no more: a few numbers in a file that both have mapped.
final class Progress {
    enum Slot: Int { case number, slowest, residentAtStart, residentAtEnd }

    private static let size = 4_096
    private let numbers: UnsafeMutablePointer<UInt64>

    init(path: String) throws {
        let file = open(path, O_RDWR | O_CREAT, 0o600)
        guard file >= 0, ftruncate(file, off_t(Self.size)) == 0 else { throw CocoaError(.fileWriteUnknown) }
        defer { close(file) }
        guard let memory = mmap(nil, Self.size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0), memory != MAP_FAILED
        else { throw CocoaError(.fileReadUnknown) }
        // A page holds more than the slots, and is aligned for any of them.
        numbers = memory.assumingMemoryBound(to: UInt64.self)
    }

    deinit { munmap(numbers, Self.size) }

    subscript(slot: Slot) -> UInt64 {
        get { numbers[slot.rawValue] }
        set { numbers[slot.rawValue] = newValue }
    }
}
