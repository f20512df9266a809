function ConvertTo-BorgClusterMethodError {
    <#
    .SYNOPSIS
    Makes an error record of the number that a WMI method of Hyper-V's returned; the error's code is the like one of Windows'.
    #>
    param (
        [Parameter(Mandatory)]
        [string]
        $MethodName,

        [Parameter(Mandatory)]
        [long]
        $ReturnValue
    )

    $meanings = @{
        '32769' = @('access denied', '0x80070005', 'PermissionDenied')
        '32770' = @('not supported', '0x80070032', 'NotImplemented')
        '32772' = @('timeout', '0x800705B4', 'OperationTimeout')
        '32773' = @('invalid parameter', '0x80070057', 'InvalidArgument')
        '32774' = @('in use', '0x80070020', 'ResourceBusy')
        '32775' = @('invalid state', '0x8007139F', 'InvalidOperation')
        '32777' = @('not available', '0x80070015', 'ResourceUnavailable')
        '32778' = @('out of memory', '0x8007000E', 'ResourceUnavailable')
        '32779' = @('file not found or in use', '0x80070002', 'ObjectNotFound')
    }
    $meaning = $meanings[[string] $ReturnValue]
    if ($null -eq $meaning) {
        $meaning = @('failed', '', 'InvalidResult')
    }
    $record = @{
        ErrorId = 'BorgClusterMethodFailed'
        Category = $meaning[2]
        Message = "$MethodName returned ${ReturnValue}: $($meaning[0])."
        TargetObject = $ReturnValue
        Code = $meaning[1]
    }
    return ConvertTo-BorgClusterErrorRecord @record
}
