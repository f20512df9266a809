function Get-BorgClusterVMFolder {
    <#
    .SYNOPSIS
    Tells in which folder the configuration of a registered virtual machine lies; '' if Hyper-V can't tell now.
    #>
    param (
        [Parameter(Mandatory)]
        [object]
        $VM
    )

    # The two are the same but for a machine whose configuration was moved
    foreach ($name in @('ConfigurationLocation', 'Path')) {
        $root = Get-BorgClusterWord -InputObject $VM -Name $name
        if ($null -ne $root) {
            return Join-BorgClusterPath -Folder $root -Name 'Virtual Machines'
        }
    }
    return ''
}
