function Get-BorgClusterSnapshotText {
    <#
    .SYNOPSIS
    Writes the settings of a new recovery snapshot.
    .DESCRIPTION
    A disk that can't be frozen makes the snapshot fail, instead of being left out in silence. Inside of the guest it is a
    copy: databases keep their logs for the backup that they have. Windows Server 2016 does not know that setting.
    #>
    param (
        [Parameter(Mandatory)]
        [ValidateSet('Application', 'Crash')]
        [string]
        $Consistency
    )

    $levels = @{ Application = [byte] 1; Crash = [byte] 2 }
    $property = [ordered]@{
        ConsistencyLevel = $levels[$Consistency]
        IgnoreNonSnapshottableDisks = $false
    }
    $build = [version]::new()
    if (-not [version]::TryParse((Get-BorgClusterOSBuild), [ref] $build) -or $build.Major -ne 10 -or $build.Build -ge 15063) {
        $property['GuestBackupType'] = [byte] 2
    }
    return ConvertTo-BorgClusterInstanceText -ClassName 'Msvm_VirtualSystemSnapshotSettingData' -Property $property
}
