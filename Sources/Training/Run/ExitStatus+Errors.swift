import Checkpoints
import Diffusion
import Distributed
import Foundation
import Telemetry
import WeightFiles

extension CheckpointError: ExitCoded {
    public var exitCode: Int32 {
        if case .writeFailed(let operation, _, let code) = self, operation.hasPrefix("create"),
            code != ENOSPC, code != EDQUOT
        {
            return ExitStatus.cannotCreate
        }
        return switch category {
        case .cannotWrite: ExitStatus.cannotWrite
        case .corrupt: ExitStatus.badData
        case .missing: ExitStatus.noInput
        case .busy: ExitStatus.cannotCreate
        }
    }
}

extension StateTreeError: ExitCoded {
    public var exitCode: Int32 { ExitStatus.badData }
}

extension HDF5Error: ExitCoded {
    public var exitCode: Int32 { ExitStatus.badData }
}

extension DiffusionError: ExitCoded {
    public var exitCode: Int32 { ExitStatus.configuration }
}

extension RankLayoutError: ExitCoded {
    public var exitCode: Int32 { ExitStatus.configuration }
}

extension SafetensorsError: ExitCoded {
    public var exitCode: Int32 {
        switch self {
        case .unreadable: ExitStatus.noInput
        case .notAFile: ExitStatus.cannotCreate
        case .unwritable: ExitStatus.cannotWrite
        default: ExitStatus.badData
        }
    }
}

extension ModelFilesError: ExitCoded {
    public var exitCode: Int32 {
        switch self {
        case .missing, .unreadable: ExitStatus.noInput
        case .invalid, .unsupported, .mismatch: ExitStatus.badData
        }
    }
}

extension TelemetryError: ExitCoded {
    public var exitCode: Int32 {
        switch self {
        case .cannotWrite: ExitStatus.cannotWrite
        default: ExitStatus.badData
        }
    }
}
