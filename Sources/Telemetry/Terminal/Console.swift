import Foundation

/// Where a run speaks to people: lines that stay, and below them, on a terminal, one line that is redrawn.
public final class Console {
    /// Whether a line can be redrawn.
    public let isTerminal: Bool
    /// Whether bold and faint text may be used.
    public let usesStyles: Bool
    /// Columns available.
    public let width: Int
    private let emit: (String) -> Void
    private var redrawn = ""

    /// - Parameter emit: takes the text to show, line ends and control sequences included.
    public init(isTerminal: Bool, usesStyles: Bool = false, width: Int, emit: @escaping (String) -> Void) {
        self.isTerminal = isTerminal
        self.usesStyles = usesStyles
        self.width = width
        self.emit = emit
    }

    /// Standard error.
    ///
    /// A terminal is one that can move its cursor (`TERM` is not `dumb`); `NO_COLOR`, when not empty, turns
    /// styles off (no-color.org). Files and pipes are taken as 160 columns wide.
    public static func standardError() -> Console {
        let environment = ProcessInfo.processInfo.environment
        let isTerminal = isatty(STDERR_FILENO) == 1 && environment["TERM"] != "dumb"
        return Console(
            isTerminal: isTerminal, usesStyles: isTerminal && (environment["NO_COLOR"] ?? "").isEmpty,
            width: isTerminal ? terminalWidth() : 160
        ) { text in
            // People's output is not worth ending a run for: what cannot be written is lost.
            try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
        }
    }

    /// Writes lines that stay, above the redrawn one.
    public func write(_ text: String) {
        emit(clearing + text + "\n" + redrawn)
    }

    /// Replaces the redrawn line; nothing on what is no terminal.
    func redraw(_ line: String) {
        guard isTerminal else { return }
        let clearing = clearing
        redrawn = String(line.prefix(max(width - 1, 1)))
        emit(clearing + redrawn)
    }

    func bold(_ text: String) -> String { usesStyles ? "\u{1B}[1m\(text)\u{1B}[0m" : text }
    func faint(_ text: String) -> String { usesStyles ? "\u{1B}[2m\(text)\u{1B}[0m" : text }

    /// Back to the first column and erase to the end of the line.
    private var clearing: String { redrawn.isEmpty ? "" : "\r\u{1B}[K" }

    private static func terminalWidth() -> Int {
        var size = winsize()
        guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }
}
