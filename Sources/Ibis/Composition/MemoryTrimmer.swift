import CMalloc
import ServiceLifecycle

/// Gives back what a peak of calls left behind: glibc keeps freed memory, and a box that runs for months next to a PBX
/// should not be as large as its busiest minute.
struct MemoryTrimmer: Service {
    private static let interval = Duration.seconds(30)

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                guard (try? await Task.sleep(for: Self.interval)) != nil else { return }
                cmalloc_trim()
            }
        }
    }
}
