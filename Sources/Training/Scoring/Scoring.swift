import Foundation
import Rewards
import Telemetry
import TensorCore

/// Scores images; `{"scores": […]}` with one record for each image and reward, a record on a line.
///
/// Every image is scored by itself, so sizes may differ.
///
/// - Throws: `ImageRewardError`, `ScoreError`, `TelemetryError`, and what reading a reward's files throws.
public func scores(of request: ScoreRequest) throws -> String {
    let entries = try request.entries()
    Parallel.configure(threads: threadsPerRank(localSize: 1))
    let rewards = try zip(entries, request.rewards).map { try $0.load(weights: $1.weights) }
    var records: [String] = []
    for (index, path) in request.images.enumerated() {
        let image = Tensor(try PNGImage(contentsOf: URL(fileURLWithPath: path)))
        let prompt = request.prompt(ofImage: index)
        for (reward, reference) in zip(rewards, request.rewards) {
            let value = try reward(image, prompts: [prompt ?? ""]).floats[0]
            guard value.isFinite else { throw ScoreError.notFinite(reward: reward.name, image: path) }
            let record = ScoreRecord(
                image: path, prompt: prompt, reward: reward.name, score: value, weights: reference.weights)
            records.append(try record.json())
        }
    }
    return "{\"scores\": [" + records.joined(separator: ",\n ") + "]}"
}

/// What one reward makes of one image.
private struct ScoreRecord: Encodable {
    let image: String
    let prompt: String?
    let reward: String
    let score: Float
    let weights: String?

    func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
}

extension Tensor {
    /// A picture as rewards take it: `[1, H, W, 3]`, RGB in 0...1; grey has three equal colours.
    init(_ picture: PNGImage) {
        let samples = picture.channels.rawValue
        precondition(samples != PNGImage.Channels.rgba.rawValue, "Tensor(PNGImage): got alpha, expected none")
        let values = picture.pixels.map { Float($0) / 255 }
        let image = Tensor(values, shape: [1, picture.height, picture.width, samples])
        self = image.broadcast(to: [1, picture.height, picture.width, 3])
    }
}
