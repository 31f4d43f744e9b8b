import Foundation

/// Writes a TensorBoard event file into the run directory, each record out before the call returns.
///
/// A resumed run adds a second file that begins with a `SessionLog` START record. TensorBoard reads the files
/// of a directory in the order of their names and drops every earlier point from that step on, so curves
/// neither overlap nor split. A run that starts afresh beside old files drops all their points.
public final class TensorBoardWriter {
    /// The file being written.
    public let url: URL
    private let file: LogFile
    private let clock: () -> Double

    /// - Parameters:
    ///   - directory: the run directory, which exists.
    ///   - resumedStep: the step of the checkpoint the run continues from: its points stay, later ones go.
    ///   - clock: seconds since 1970.
    public init(
        directory: URL, resumedStep: Int? = nil,
        clock: @escaping () -> Double = { Date().timeIntervalSince1970 }
    ) throws {
        let earlier = try Self.startTimes(of: directory)
        url = Self.newFile(in: directory, after: earlier, now: clock())
        file = try LogFile(path: url.path, keptBytes: 0)
        self.clock = clock
        try file.append(TensorBoardEvent.fileVersion(wallTime: clock()).framed)
        if resumedStep != nil || !earlier.isEmpty {
            // Readers purge steps at and above that of START, and the resumed step itself is still good.
            let step = resumedStep.map { $0 + 1 } ?? 0
            try file.append(TensorBoardEvent.sessionStart(wallTime: clock(), step: step).framed)
        }
    }

    /// Adds the values of one step as one record.
    public func write(step: Int, scalars: [(name: String, value: Double)]) throws {
        guard !scalars.isEmpty else { return }
        try file.append(TensorBoardEvent.scalars(scalars, wallTime: clock(), step: step).framed)
    }

    /// Adds a picture to one step.
    public func write(step: Int, name: String, image: PNGImage) throws {
        try file.append(TensorBoardEvent.image(image, name: name, wallTime: clock(), step: step).framed)
    }

    /// Waits until the file is on the disk.
    public func synchronize() throws {
        try file.synchronize()
    }

    private static let prefix = "events.out.tfevents."

    /// The seconds in the names of the event files that are there already.
    private static func startTimes(of directory: URL) throws -> [Int] {
        do {
            return try FileManager.default.contentsOfDirectory(atPath: directory.path)
                .filter { $0.hasPrefix(prefix) }
                .compactMap { Int($0.dropFirst(prefix.count).prefix { $0 != "." }) }
        } catch {
            throw TelemetryError.cannotRead(path: directory.path, reason: error.localizedDescription)
        }
    }

    /// `events.out.tfevents.<unix time, 10 digits>.<host>.<process>.<n>`, later by name than every earlier
    /// file even when the clock stood still or went back.
    private static func newFile(in directory: URL, after earlier: [Int], now: Double) -> URL {
        let seconds = max(Int(now), (earlier.max() ?? -1) + 1)
        let host = ProcessInfo.processInfo.hostName.replacingOccurrences(of: "/", with: "_")
        let process = ProcessInfo.processInfo.processIdentifier
        return directory.appendingPathComponent(
            prefix + String(format: "%010d", seconds) + ".\(host).\(process).\(earlier.count)")
    }
}
