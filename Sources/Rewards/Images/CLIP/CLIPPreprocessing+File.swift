import Foundation
import TensorCore
import WeightFiles

extension CLIPPreprocessing {
    /// What a model's `preprocessor_config.json` says, or OpenAI's where there is none.
    ///
    /// - Parameters:
    ///   - imageSize: what the model takes.
    ///   - filter: the file's `resample` is not read: references to which scores are compared choose one of their own.
    /// - Throws: `ModelFilesError`.
    init(directory: ComponentDirectory, imageSize: Int, filter: ResizingFilter) throws {
        self.init(imageSize: imageSize, filter: filter)
        let path = "\(directory.path)/preprocessor_config.json"
        guard FileManager.default.fileExists(atPath: path) else { return }
        let file = try JSONFile.decode(PreprocessorFile.self, from: path)
        (mean, deviation) = (file.mean ?? mean, file.deviation ?? deviation)
        size = file.size?.size ?? size
        crop = file.cutsOut ?? true ? file.crop?.side ?? crop : imageSize
        try check(against: imageSize, file, path: path)
    }

    private func check(against imageSize: Int, _ file: PreprocessorFile, path: String) throws {
        func invalid(_ reason: String) -> ModelFilesError { .invalid(path: path, reason: reason) }
        let skipped = [("do_resize", file.resizes), ("do_normalize", file.normalizes)].filter {
            $0.1 == false
        }
        guard skipped.isEmpty else {
            throw ModelFilesError.unsupported(
                path: path, what: "\(skipped.map(\.0).joined(separator: " and ")) is false",
                advice: "CLIP's pictures are resized and normalised.")
        }
        guard mean.count == 3, deviation.count == 3, deviation.allSatisfy({ $0 > 0 }) else {
            throw invalid("image_mean and image_std need three numbers each, image_std positive ones")
        }
        let side =
            switch size {
            case .shortestSide(let side), .longestSide(let side), .square(let side): side
            }
        let isWhole = file.cutsOut ?? true || size == .square(imageSize)
        guard crop == imageSize, side >= crop, isWhole else {
            throw invalid(
                "size \(side) and crop_size \(crop) do not make the \(imageSize) × \(imageSize) pixels that the "
                    + "model's config.json asks for")
        }
    }
}

/// `preprocessor_config.json` of a CLIPImageProcessor.
private struct PreprocessorFile: Decodable {
    let size: Sides?
    let crop: Sides?
    let mean: [Double]?
    let deviation: [Double]?
    let resizes: Bool?
    let cutsOut: Bool?
    let normalizes: Bool?

    enum CodingKeys: String, CodingKey {
        case size
        case crop = "crop_size"
        case mean = "image_mean"
        case deviation = "image_std"
        case resizes = "do_resize"
        case cutsOut = "do_center_crop"
        case normalizes = "do_normalize"
    }

    /// A number, `shortest_edge`, or `height` and `width`.
    struct Sides: Decodable {
        let side: Int
        let size: CLIPPreprocessing.Size

        enum CodingKeys: String, CodingKey {
            case height, width
            case shortestEdge = "shortest_edge"
        }

        init(from decoder: any Decoder) throws {
            if let side = try? decoder.singleValueContainer().decode(Int.self) {
                (self.side, size) = (side, .shortestSide(side))
                return
            }
            let container = try decoder.container(keyedBy: CodingKeys.self)
            if let side = try container.decodeIfPresent(Int.self, forKey: .shortestEdge) {
                (self.side, size) = (side, .shortestSide(side))
                return
            }
            side = try container.decode(Int.self, forKey: .height)
            size = .square(side)
            guard try container.decode(Int.self, forKey: .width) == side else {
                throw DecodingError.dataCorruptedError(
                    forKey: .width, in: container, debugDescription: "height and width differ")
            }
        }
    }
}
