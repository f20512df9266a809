function Get-BorgClusterChangedRange {
    <#
    .SYNOPSIS
    Lists the ranges of a virtual disk that changed since a change tracking identifier (a list of ChangedRange).
    .DESCRIPTION
    One call tells less than the whole disk: how far it got is told too. One that gets nowhere would be repeated for ever,
    and is an error.
    #>
    param (
        [Parameter(Mandatory)]
        [string]
        $Path,

        [Parameter(Mandatory)]
        [string]
        $Since,

        # Size of the virtual disk in bytes
        [Parameter(Mandatory)]
        [long]
        $Size
    )

    $service = Get-BorgClusterService -ClassName 'Msvm_ImageManagementService'
    $from = [long] 0
    while ($from -lt $Size) {
        $call = @{
            InputObject = $service
            MethodName = 'GetVirtualDiskChanges'
            Argument = @{
                Path = $Path
                LimitId = $Since
                # Only for VHD sets
                TargetSnapshotId = ''
                ByteOffset = [uint64] $from
                ByteLength = [uint64] ($Size - $from)
            }
        }
        $result = (Invoke-BorgClusterMethod @call)['Result']
        $done = [long] (Get-BorgClusterProperty -InputObject $result -Name 'ProcessedByteLength')
        $offsets = @(Get-BorgClusterListMember -InputObject $result -Name 'ChangedByteOffsets')
        $lengths = @(Get-BorgClusterListMember -InputObject $result -Name 'ChangedByteLengths')
        if ($done -le 0 -or $offsets.Count -ne $lengths.Count) {
            $told = "$($offsets.Count) offsets and $($lengths.Count) lengths"
            $record = @{
                ErrorId = 'BorgClusterNoProgress'
                Category = 'InvalidResult'
                Message = "GetVirtualDiskChanges got $done bytes further at $from of ${Size}, with $told."
                TargetObject = $Path
            }
            throw (ConvertTo-BorgClusterErrorRecord @record)
        }
        for ($index = 0; $index -lt $offsets.Count; $index++) {
            [ordered]@{ offset = [long] $offsets[$index]; length = [long] $lengths[$index] }
        }
        $from += $done
    }
}
