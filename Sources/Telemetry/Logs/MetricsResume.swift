import Foundation

/// How much of the metrics files of an interrupted run still holds at the step it resumes from.
enum MetricsResume {
    /// Bytes of `metrics.jsonl` to keep; 0 when there is no such file.
    static func keptJSONLines(path: String, through step: Int) throws -> Int {
        try keptBytes(contents(path), from: 0, through: step) { line in
            try? JSONDecoder().decode(StepOfLine.self, from: Data(line)).step
        }
    }

    /// Bytes of `metrics.csv` to keep; 0 when there is no such file or its header was torn.
    static func keptCSV(path: String, header: String, through step: Int) throws -> Int {
        let bytes = try contents(path)
        let expected = Array(header.utf8)
        guard bytes.count >= expected.count || !expected.starts(with: bytes) else { return 0 }
        guard bytes.starts(with: expected) else {
            throw TelemetryError.columnsChanged(
                path: path, expected: header.trimmingCharacters(in: .newlines))
        }
        return keptBytes(bytes, from: expected.count, through: step) { line in
            Int(String(decoding: line.prefix { $0 != UInt8(ascii: ",") }, as: UTF8.self))
        }
    }

    private struct StepOfLine: Decodable {
        let step: Int
    }

    private static func contents(_ path: String) throws -> [UInt8] {
        guard FileManager.default.fileExists(atPath: path) else { return [] }
        do {
            return try [UInt8](Data(contentsOf: URL(fileURLWithPath: path)))
        } catch {
            throw TelemetryError.cannotRead(path: path, reason: error.localizedDescription)
        }
    }

    /// The end of the last line before the first one that is torn, unreadable or of a later step.
    ///
    /// Steps grow from line to line, so nothing after that line can be wanted.
    private static func keptBytes(
        _ bytes: [UInt8], from start: Int, through step: Int, stepOf: (ArraySlice<UInt8>) -> Int?
    ) -> Int {
        var kept = start
        while let end = bytes[kept...].firstIndex(of: UInt8(ascii: "\n")),
            let lineStep = stepOf(bytes[kept..<end]), lineStep <= step
        {
            kept = end + 1
        }
        return kept
    }
}
