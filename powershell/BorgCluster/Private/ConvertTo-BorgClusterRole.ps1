function ConvertTo-BorgClusterRole {
    <#
    .SYNOPSIS
    Reports a cluster group (a Role).
    #>
    param (
        [Parameter(Mandatory)]
        [object]
        $Group
    )

    $information = Get-BorgClusterProperty -InputObject $Group -Name 'StatusInformation'
    return [ordered]@{
        id = ConvertTo-BorgClusterId -Value $Group.Id
        name = [string] $Group.Name
        group_type = [string] $Group.GroupType
        state = [string] $Group.State
        status_information = @(ConvertTo-BorgClusterFlag -Value $information)
        owner_node = Get-BorgClusterWord -InputObject $Group -Name 'OwnerNode'
        priority = Get-BorgClusterScalar -InputObject $Group -Name 'Priority'
    }
}
