function Get-BorgClusterDiskKey {
    <#
    .SYNOPSIS
    Tells what the ids of a disk have in common in a virtual machine and in its snapshots; '' when the id has another form.
    .DESCRIPTION
    An id is Microsoft:<guid>\<controller>\<number>\<location>\<letter>. The first part names the machine or the snapshot, the
    last one the kind of thing (drive or disk).
    #>
    param (
        [Parameter(Mandatory)]
        [AllowNull()]
        [object]
        $InstanceId
    )

    if ([string] $InstanceId -match '^[^\\]+\\(.+)\\[^\\]*$') {
        return $Matches[1].ToUpperInvariant()
    }
    return ''
}
