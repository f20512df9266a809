function New-BorgClusterSnapshot {
    <#
    .SYNOPSIS
    Freezes the disks of a virtual machine of this node by a recovery snapshot that carries our mark.
    .DESCRIPTION
    It fails rather than to freeze less consistently than asked, or to leave a disk out. A snapshot of the same run that is there
    already is taken. One that can't be marked is destroyed again (BorgClusterSnapshotNotMarked).
    .PARAMETER VMId
    The id of the virtual machine.
    .PARAMETER RunId
    The id of the run, which becomes part of the snapshot's name.
    .PARAMETER Consistency
    Application asks the guest to write its data out first, Crash does not.
    .PARAMETER TimeoutSecond
    For how many seconds to wait; 0 does not wait.
    .EXAMPLE
    New-BorgClusterSnapshot -VMId '8d2f3c1e-0a9b-4c57-9a5e-7c5b3d1f2a10' -RunId $run -Consistency 'Application' -TimeoutSecond 240
    .OUTPUTS
    One text: JSON, or gzip in Base64 beyond 100 kB.
    #>
    [CmdletBinding(SupportsShouldProcess)]
    [OutputType([string])]
    param (
        [Parameter(Mandatory)]
        [guid]
        $VMId,

        [Parameter(Mandatory)]
        [guid]
        $RunId,

        [Parameter(Mandatory)]
        [ValidateSet('Application', 'Crash')]
        [string]
        $Consistency,

        [Parameter(Mandatory)]
        [ValidateRange(0, 86400)]
        [int]
        $TimeoutSecond
    )

    Set-StrictMode -Version 2.0
    $ErrorActionPreference = 'Stop'

    $null = Assert-BorgClusterVM -VMId $VMId
    $system = Get-BorgClusterComputerSystem -VMId $VMId
    $made = $null
    foreach ($setting in @(Get-BorgClusterSnapshotSetting -System $system)) {
        if ((Get-BorgClusterMarkedRun -Setting $setting) -eq $RunId.ToString('D')) {
            $made = Get-BorgClusterLastId -InstanceId $setting.InstanceID
        }
    }
    if ($null -eq $made -and $PSCmdlet.ShouldProcess($VMId, "Make a recovery snapshot ($Consistency)")) {
        $how = @{
            System = $system
            Consistency = $Consistency
            Mark = Get-BorgClusterMark -RunId $RunId
            TimeoutSecond = $TimeoutSecond
        }
        $made = Invoke-BorgClusterSnapshotCreation @how
    }
    $answer = Get-BorgClusterSnapshotFact -VMId $VMId -Made $made
    foreach ($snapshot in $answer['snapshots']) {
        if ($snapshot['id'] -eq $made -and $null -eq $snapshot['consistency']) {
            # Windows does not tell it afterwards; but it fails rather than to fall back
            $snapshot['consistency'] = $Consistency
        }
    }
    ConvertTo-BorgClusterAnswer -Answer $answer
}
