import Foundation

/// A child process, by posix_spawn and waitpid: Foundation's `Process` fails to notice an end now and then.
final class Child {
    let id: pid_t
    /// 128 + signal for a process that a signal ended; nil while it runs.
    private var ended: Int32?

    /// Starts a program that is looked for in PATH, with nothing to read, its output dropped and its errors in a file.
    init(_ command: [String], environment: [String: String], errors: String) throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0)
        posix_spawn_file_actions_addopen(
            &actions, STDERR_FILENO, errors, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        var arguments = command.map { strdup($0) } + [nil]
        var variables = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for text in arguments + variables { free(text) } }
        var id: pid_t = 0
        let code = posix_spawnp(&id, command[0], &actions, nil, &arguments, &variables)
        guard code == 0 else { throw Loss("cannot start \(command[0]): \(String(cString: strerror(code)))") }
        self.id = id
    }

    /// Its exit code; nil while it runs.
    func exitCode() -> Int32? {
        var status: Int32 = 0
        if ended == nil, waitpid(id, &status, WNOHANG) == id {
            let signal = status & 0x7f
            ended = signal == 0 ? status >> 8 & 0xff : 128 + signal
        }
        return ended
    }
}
