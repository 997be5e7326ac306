import ArgumentParser

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Runs Ibis until it is told to stop (SIGTERM or Ctrl-C).",
        discussion: ConfigurationOptions.help)

    @OptionGroup var options: ConfigurationOptions

    func run() async throws {
        let start = ContinuousClock.now
        try await Server(options.load(), start: start).run()
    }
}
